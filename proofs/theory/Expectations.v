(* Sums and expectations. *)

From Dropout Require Import Definitions.
Require Export Lra Lia Psatz FunctionalExtensionality.

(* ---- sums ---------------------------------------------------------------------------------------------------- *)

Lemma sum_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sum n f = sum n g.
Proof.
  revert f g; induction n; intros f g H; simpl; [reflexivity|].
  rewrite (H 0%nat) by lia. f_equal. apply IHn. intros; apply H; lia.
Qed.

Lemma sum_plus n f g : sum n (fun i => f i + g i) = sum n f + sum n g.
Proof. revert f g; induction n; intros; simpl; [lra | rewrite IHn; lra]. Qed.

Lemma sum_scale n a f : sum n (fun i => a * f i) = a * sum n f.
Proof. revert f; induction n; intros; simpl; [lra | rewrite IHn; lra]. Qed.

Lemma sum_const n a : sum n (fun _ => a) = INR n * a.
Proof. induction n; [simpl; lra|]. rewrite S_INR. simpl. rewrite IHn; lra. Qed.

Lemma sum_le n f g : (forall i, (i < n)%nat -> f i <= g i) -> sum n f <= sum n g.
Proof.
  revert f g; induction n; intros f g H; simpl; [lra|].
  apply Rplus_le_compat; [apply H; lia | apply IHn; intros; apply H; lia].
Qed.

Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. rewrite sum_const; ring. Qed.

Lemma sum_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sum n f.
Proof. intros H. rewrite <- (sum_zero n). apply sum_le, H. Qed.

Lemma sum_last n f : sum (S n) f = sum n f + f n.
Proof. revert f; induction n; intros; [simpl; lra|]. change (sum (S (S n)) f) with (f O + sum (S n) (fun i => f (S i))).
  rewrite IHn. simpl. lra. Qed.

Lemma product_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> product n f = product n g.
Proof.
  revert f g; induction n; intros f g H; simpl; [reflexivity|].
  rewrite (H 0%nat) by lia. f_equal. apply IHn. intros; apply H; lia.
Qed.

(* ---- totals over lists --------------------------------------------------------------------------------------- *)

Lemma total_ext {T} (l : list T) f g : (forall a, In a l -> f a = g a) -> total l f = total l g.
Proof. induction l; intros H; simpl; [reflexivity|]. rewrite H by (left; reflexivity). f_equal. apply IHl. intros; apply H; right; assumption. Qed.

Lemma total_plus {T} (l : list T) f g : total l (fun a => f a + g a) = total l f + total l g.
Proof. induction l; simpl; [lra | rewrite IHl; lra]. Qed.

Lemma total_scale {T} (l : list T) c f : total l (fun a => c * f a) = c * total l f.
Proof. induction l; simpl; [lra | rewrite IHl; lra]. Qed.

Lemma total_app {T} (l m : list T) f : total (l ++ m) f = total l f + total m f.
Proof. induction l; simpl; [lra | rewrite IHl; lra]. Qed.

Lemma total_map {T U} (h : T -> U) l f : total (map h l) f = total l (fun a => f (h a)).
Proof. induction l; simpl; [lra | rewrite IHl; lra]. Qed.

Lemma total_flat_map {T U} (h : T -> list U) l f : total (flat_map h l) f = total l (fun a => total (h a) f).
Proof. induction l; simpl; [lra | rewrite total_app, IHl; lra]. Qed.

Lemma total_le {T} (l : list T) f g : (forall a, In a l -> f a <= g a) -> total l f <= total l g.
Proof. induction l; intros H; simpl; [lra|]. apply Rplus_le_compat; [apply H; left; reflexivity | apply IHl; intros; apply H; right; assumption]. Qed.

Lemma total_cons {T} (a : T) l f : total (a :: l) f = f a + total l f.
Proof. reflexivity. Qed.

Lemma total_nonneg {T} (l : list T) f : (forall a, In a l -> 0 <= f a) -> 0 <= total l f.
Proof.
  induction l; intros H; [unfold total; simpl; lra|]. rewrite total_cons.
  apply Rplus_le_le_0_compat; [apply H; left; reflexivity | apply IHl; intros; apply H; right; assumption].
Qed.

(* ---- one mask ------------------------------------------------------------------------------------------------ *)

Lemma expect_0 q F : expect q 0 F = F [].
Proof. unfold expect; simpl; lra. Qed.

Lemma expect_S q n F :
  expect q (S n) F = (1 - q) * expect q n (fun r => F (true :: r)) + q * expect q n (fun r => F (false :: r)).
Proof.
  unfold expect. cbn [masks]. rewrite total_app, !total_map, <- !total_scale.
  f_equal; apply total_ext; intros; simpl; ring.
Qed.

Lemma masks_length n r : In r (masks n) -> length r = n.
Proof.
  revert r; induction n; simpl; intros r H; [destruct H as [<-|[]]; reflexivity|].
  rewrite in_app_iff, !in_map_iff in H. destruct H as [[s [<- H]]|[s [<- H]]]; simpl; f_equal; auto.
Qed.

Lemma expect_ext q n F G : (forall r, length r = n -> F r = G r) -> expect q n F = expect q n G.
Proof. intros H. apply total_ext. intros r I. rewrite H; [reflexivity | apply masks_length, I]. Qed.

Lemma expect_plus q n F G : expect q n (fun r => F r + G r) = expect q n F + expect q n G.
Proof. unfold expect. rewrite <- total_plus. apply total_ext; intros; ring. Qed.

Lemma expect_scale q n c F : expect q n (fun r => c * F r) = c * expect q n F.
Proof. unfold expect. rewrite <- total_scale. apply total_ext; intros; ring. Qed.

Lemma expect_const q n c : expect q n (fun _ => c) = c.
Proof. induction n; [apply expect_0|]. rewrite expect_S, IHn. ring. Qed.

Lemma chance_mask_nonneg q r : 0 <= q <= 1 -> 0 <= chance_mask q r.
Proof. intros H. induction r as [|[] r IH]; simpl; [lra|..]; apply Rmult_le_pos; lra. Qed.

Lemma expect_le q n F G : 0 <= q <= 1 -> (forall r, length r = n -> F r <= G r) -> expect q n F <= expect q n G.
Proof.
  intros Q H. apply total_le. intros r I.
  apply Rmult_le_compat_l; [apply chance_mask_nonneg, Q | apply H, masks_length, I].
Qed.

Lemma expect_nonneg q n F : 0 <= q <= 1 -> (forall r, length r = n -> 0 <= F r) -> 0 <= expect q n F.
Proof. intros Q H. rewrite <- (expect_const q n 0). apply expect_le; assumption. Qed.

(* ---- all masks ----------------------------------------------------------------------------------------------- *)

Lemma E_output q K w b F : E q K (Output w b) F = expect (q O) K (fun r => F [r]).
Proof.
  unfold E. cbn [widths patterns]. rewrite total_flat_map. apply total_ext; intros r _. simpl. ring.
Qed.

Lemma E_hidden q K n A b W F :
  E q K (Hidden n A b W) F = expect (q O) K (fun r => E (next q) n W (fun Rs => F (r :: Rs))).
Proof.
  unfold E, expect. cbn [widths].
  change (patterns (K :: n :: widths W)) with (flat_map (fun r => map (cons r) (patterns (n :: widths W))) (masks K)).
  rewrite total_flat_map. apply total_ext; intros r _.
  rewrite total_map, <- total_scale. apply total_ext; intros Rs _. cbn [chance]. ring.
Qed.

Lemma E_ext q K W F G : (forall Rs, F Rs = G Rs) -> E q K W F = E q K W G.
Proof. intros H. apply total_ext; intros. rewrite H; reflexivity. Qed.

Lemma E_plus q K W F G : E q K W (fun Rs => F Rs + G Rs) = E q K W F + E q K W G.
Proof. unfold E. rewrite <- total_plus. apply total_ext; intros; ring. Qed.

Lemma E_scale q K W c F : E q K W (fun Rs => c * F Rs) = c * E q K W F.
Proof. unfold E. rewrite <- total_scale. apply total_ext; intros; ring. Qed.

Lemma E_const q K W c : E q K W (fun _ => c) = c.
Proof.
  revert q K; induction W; intros.
  - rewrite E_output. apply expect_const.
  - rewrite E_hidden. rewrite (expect_ext _ _ _ (fun _ => c)); [apply expect_const|]. intros; apply IHW.
Qed.

Lemma E_le q K W F G : rates q -> (forall Rs, F Rs <= G Rs) -> E q K W F <= E q K W G.
Proof.
  revert q K F G; induction W; intros q K F G Q H.
  - rewrite !E_output. apply expect_le; [specialize (Q O); lra | auto].
  - rewrite !E_hidden. apply expect_le; [specialize (Q O); lra|]. intros r _. apply IHW; [intros l; apply Q | auto].
Qed.

Lemma E_nonneg q K W F : rates q -> (forall Rs, 0 <= F Rs) -> 0 <= E q K W F.
Proof. intros Q H. rewrite <- (E_const q K W 0). apply E_le; assumption. Qed.

Lemma E_widths q K W V F : widths W = widths V -> E q K W F = E q K V F.
Proof. unfold E. intros ->. reflexivity. Qed.

(* ---- networks ------------------------------------------------------------------------------------------------ *)

Lemma drop_scale q r c x i : drop q r (fun k => c * x k) i = c * drop q r x i.
Proof. unfold drop. destruct (nth i r false); unfold Rdiv; ring. Qed.

Lemma relu_scale c t : 0 <= c -> relu (c * t) = c * relu t.
Proof. intros C. unfold relu. rewrite <- (Rmult_0_r c) at 1. apply RmaxRmult; assumption. Qed.

Lemma relu_nonneg t : 0 <= relu t.
Proof. apply Rmax_l. Qed.

Lemma relu_id t : 0 <= t -> relu t = t.
Proof. apply Rmax_right. Qed.

(* Only the inputs 0, ..., K - 1 matter. *)
Lemma D_ext q K W Rs x x' : (forall i, (i < K)%nat -> x i = x' i) -> D q K W Rs x = D q K W Rs x'.
Proof.
  assert (P : forall r (u v : nat -> R) i, u i = v i -> drop (q O) r u i = drop (q O) r v i).
  { intros r u v i H. unfold drop. rewrite H. reflexivity. }
  intros H. destruct W; simpl.
  - f_equal. apply sum_ext. intros j J. rewrite (P _ x x'); auto.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros j J. rewrite (P _ x x'); auto.
Qed.

Lemma value_ext K W x x' : (forall i, (i < K)%nat -> x i = x' i) -> value K W x = value K W x'.
Proof.
  intros H. destruct W; simpl.
  - f_equal. apply sum_ext. intros j J. rewrite H; auto.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros j J. rewrite H; auto.
Qed.

(* W(x) is D without dropout: the pattern that keeps everything, at q = 0. *)
Lemma criterion_ext q K W V P :
  widths W = widths V -> (forall Rs x, D q K W Rs x = D q K V Rs x) -> criterion q K W P = criterion q K V P.
Proof.
  intros H HD. apply total_ext. intros e _. f_equal. rewrite (E_widths q K W V _ H). apply E_ext.
  intros Rs. rewrite HD. reflexivity.
Qed.
