(* The least squared norm of the weights that a difference of two outputs needs, at every depth. *)

From Dropout Require Import Definitions Expectations Theorem_7.
Require Import Arith.
Close Scope nat_scope. Open Scope R_scope.

(* ---- the inequality between the geometric and the arithmetic mean -------------------------------------------------- *)

Lemma pow_tangent k m x : 0 <= m -> 0 <= x -> x ^ k * (x + INR (S k) * (m - x)) <= m ^ S k.
Proof.
  intros M X. induction k as [|k IH]; [simpl; lra|].
  assert (P : 0 <= x ^ k) by (apply pow_le, X). apply Rle_trans with (m * (x ^ k * (x + INR (S k) * (m - x)))).
  - rewrite (S_INR (S k)). set (c := INR (S k)). assert (0 <= c) by apply pos_INR. cbn [pow].
    assert (0 <= x ^ k * (c * (m - x) ^ 2)) 
      by (apply Rmult_le_pos; [assumption | apply Rmult_le_pos; [assumption | apply pow2_ge_0]]). lra.
  - change (m ^ S (S k)) with (m * m ^ S k). apply Rmult_le_compat_l; assumption.
Qed.

Lemma mean_step k x a : 0 <= x -> 0 <= a -> x ^ k * a <= ((INR k * x + a) / INR (S k)) ^ S k.
Proof.
  intros X A. set (m := (INR k * x + a) / INR (S k)). assert (P : 0 < INR (S k)) by (apply lt_0_INR; lia).
  assert (M : 0 <= m).
  { unfold m. apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat, P]. pose proof (pos_INR k). nra. }
  pose proof (pow_tangent k m x M X) as T. replace (x + INR (S k) * (m - x)) with a in T; [exact T|].
  unfold m. rewrite S_INR in *. field. lra.
Qed.

(* ---- a lower bound ------------------------------------------------------------------------------------------------- *)

Lemma cauchy_any K v x : dot K v x ^ 2 <= sum K (fun j => v j ^ 2) * sum K (fun j => x j ^ 2).
Proof.
  assert (X0 : 0 <= sum K (fun j => x j ^ 2)) by (apply sum_nonneg; intros; apply pow2_ge_0).
  destruct (Rle_lt_or_eq_dec _ _ X0) as [P|Z]; [apply cauchy_schwarz, P|]. rewrite <- Z, Rmult_0_r.
  set (s := dot K v x). set (V := sum K (fun j => v j ^ 2)).
  assert (V0 : 0 <= V) by (apply sum_nonneg; intros; apply pow2_ge_0).
  destruct (Req_dec s 0) as [->|N]; [lra|]. exfalso.
  assert (H : 0 <= sum K (fun j => (v j - (V + 1) / s * x j) ^ 2)) by (apply sum_nonneg; intros; apply pow2_ge_0).
  rewrite (sum_ext _ _ (fun j => v j ^ 2 + (- 2 * ((V + 1) / s)) * (v j * x j) + ((V + 1) / s) ^ 2 * x j ^ 2)) in H
    by (intros; field; exact N).
  rewrite !sum_plus, !sum_scale in H. fold V in H. rewrite <- Z in H.
  change (sum K (fun i => v i * x i)) with s in H. replace (- 2 * ((V + 1) / s) * s) with (- 2 * (V + 1)) in H by (field; exact N).
  lra.
Qed.

Lemma relu_nearer a b : (relu a - relu b) ^ 2 <= (a - b) ^ 2.
Proof.
  unfold relu, Rmax. destruct (Rle_dec 0 a), (Rle_dec 0 b);
    repeat match goal with H : ~ _ |- _ => apply Rnot_le_lt in H end.
  - lra.
  - assert (0 <= a * - b) by (apply Rmult_le_pos; lra). pose proof (pow2_ge_0 b). lra.
  - assert (0 <= - a * b) by (apply Rmult_le_pos; lra). pose proof (pow2_ge_0 a). lra.
  - pose proof (pow2_ge_0 (a - b)). lra.
Qed.

(* The product of the squared norms of the layers. *)
Fixpoint norms (K : nat) (W : network) : R :=
  match W with
  | Output w _ => sum K (fun j => w j ^ 2)
  | Hidden n A _ rest => sum n (fun i => sum K (fun j => A i j ^ 2)) * norms n rest
  end.

Lemma norms_nonneg K W : 0 <= norms K W.
Proof.
  revert K; induction W; intros K; simpl; [apply sum_nonneg; intros; apply pow2_ge_0|].
  apply Rmult_le_pos; [|apply IHW]. apply sum_nonneg; intros; apply sum_nonneg; intros; apply pow2_ge_0.
Qed.

Lemma dot_minus K w x y b : sum K (fun j => w j * x j) + b - (sum K (fun j => w j * y j) + b) = dot K w (fun j => x j - y j).
Proof.
  unfold dot. rewrite (sum_ext K (fun j => w j * (x j - y j)) (fun j => w j * x j + (-1) * (w j * y j))) by (intros; ring).
  rewrite sum_plus, sum_scale. ring.
Qed.

Lemma value_difference K W x y :
  (value K W x - value K W y) ^ 2 <= norms K W * sum K (fun j => (x j - y j) ^ 2).
Proof.
  revert K x y; induction W as [w b|n A b W IH]; intros K x y; simpl value; cbn [norms].
  - rewrite dot_minus. apply cauchy_any.
  - eapply Rle_trans; [apply IH|]. rewrite (Rmult_comm (sum n _)), Rmult_assoc.
    apply Rmult_le_compat_l; [apply norms_nonneg|]. rewrite Rmult_comm, <- sum_scale. apply sum_le. intros i I.
    eapply Rle_trans; [apply relu_nearer|]. rewrite dot_minus, Rmult_comm. apply cauchy_any.
Qed.

Lemma norm2_nonneg K W : 0 <= norm2 K W.
Proof.
  revert K; induction W; intros K; simpl; [apply sum_nonneg; intros; apply pow2_ge_0|].
  apply Rplus_le_le_0_compat; [|apply IHW]. apply sum_nonneg; intros; apply sum_nonneg; intros; apply pow2_ge_0.
Qed.

Lemma norms_mean K W : norms K W <= (norm2 K W / INR (depth W)) ^ depth W.
Proof.
  revert K; induction W as [w b|n A b W IH]; intros K; unfold depth in *; cbn [widths length norms norm2].
  - simpl. lra.
  - specialize (IH n). set (d := S (length (widths W))) in *. set (a := sum n (fun i => sum K (fun j => A i j ^ 2))).
    assert (P : 0 < INR d) by (apply lt_0_INR; unfold d; lia).
    assert (A0 : 0 <= a) by (apply sum_nonneg; intros; apply sum_nonneg; intros; apply pow2_ge_0).
    set (m := norm2 n W / INR d) in *.
    assert (M : 0 <= m) by (apply Rmult_le_pos; [apply norm2_nonneg | apply Rlt_le, Rinv_0_lt_compat, P]).
    replace (a + norm2 n W) with (INR d * m + a) by (unfold m; field; lra).
    apply Rle_trans with (m ^ d * a); [|apply mean_step; assumption].
    rewrite Rmult_comm. apply Rmult_le_compat_r; assumption.
Qed.

Theorem minimal_norm K W x y :
  (value K W x - value K W y) ^ 2 <= (norm2 K W / INR (depth W)) ^ depth W * sum K (fun j => (x j - y j) ^ 2).
Proof.
  eapply Rle_trans; [apply value_difference|]. apply Rmult_le_compat_r; [|apply norms_mean].
  apply sum_nonneg; intros; apply pow2_ge_0.
Qed.

(* ---- it is attained -------------------------------------------------------------------------------------------------- *)

(* One unit of each layer, each with one weight a. *)
Fixpoint chain (a : R) (ns : list nat) : network :=
  match ns with
  | [] => Output (fun j => if (j =? 0)%nat then a else 0) 0
  | n :: ns' => Hidden n (fun i j => if (i =? 0)%nat then if (j =? 0)%nat then a else 0 else 0) (fun _ => 0) (chain a ns')
  end.

Lemma sum_first n f : (0 < n)%nat -> (forall i, (0 < i < n)%nat -> f i = 0) -> sum n f = f O.
Proof.
  destruct n as [|n]; [lia|]. intros _ H. simpl. rewrite (sum_ext n _ (fun _ => 0)) by (intros; apply H; lia).
  rewrite sum_zero. ring.
Qed.

Lemma chain_value a ns n h : (0 < n)%nat -> Forall (lt 0) ns -> 0 <= a -> 0 <= h O ->
  value n (chain a ns) h = a ^ S (length ns) * h O.
Proof.
  revert n h; induction ns as [|m ns IH]; intros n h N F A H; cbn [chain value length].
  - rewrite sum_first; [| assumption | intros i I; destruct i; [lia | simpl; ring]]. simpl. ring.
  - inversion F as [|? ? M F' EE]. subst.
    rewrite (IH m); [|exact M|exact F'|exact A|apply relu_nonneg].
    rewrite (sum_first n); [| assumption | intros i I; destruct i; [lia | simpl; ring]].
    cbn [Nat.eqb]. rewrite Rplus_0_r, relu_id by (apply Rmult_le_pos; assumption). cbn [pow]. ring.
Qed.

Lemma chain_norm a ns n : (0 < n)%nat -> Forall (lt 0) ns -> norm2 n (chain a ns) = INR (S (length ns)) * a ^ 2.
Proof.
  revert n; induction ns as [|m ns IH]; intros n N F; cbn [chain norm2 length].
  - rewrite sum_first; [| assumption | intros i I; destruct i; [lia | simpl; ring]]. simpl. ring.
  - inversion F as [|? ? M F']. rewrite IH by assumption. rewrite (sum_first m).
    + rewrite (sum_first n); [| assumption | intros i I; destruct i; [lia | simpl; ring]].
      cbn [Nat.eqb]. rewrite (S_INR (S (length ns))). ring.
    + assumption.
    + intros i I. destruct i; [lia|]. simpl. rewrite (sum_ext n _ (fun _ => 0)) by (intros; ring). apply sum_zero.
Qed.

Lemma chain_widths a ns : widths (chain a ns) = ns.
Proof. induction ns; simpl; congruence. Qed.

Lemma chain_biases a ns : zero_biases (chain a ns).
Proof. induction ns; simpl; [reflexivity | split; [reflexivity | assumption]]. Qed.

Theorem minimal_norm_attained K ns x r a :
  0 < r -> r ^ 2 = sum K (fun j => x j ^ 2) -> 0 <= a -> Forall (lt 0) ns ->
  exists W, widths W = ns /\ zero_biases W /\ norm2 K W = INR (depth W) * a ^ 2
  /\ value K W x - value K W (fun _ => 0) = a ^ depth W * r.
Proof.
  intros R E A F. assert (N : sum K (fun j => (a / r * x j) ^ 2) = a ^ 2).
  { rewrite (sum_ext _ _ (fun j => (a / r) ^ 2 * x j ^ 2)) by (intros; ring). rewrite sum_scale, <- E. field. lra. }
  assert (V : sum K (fun j => a / r * x j * x j) = a * r).
  { rewrite (sum_ext _ _ (fun j => a / r * x j ^ 2)) by (intros; ring). rewrite sum_scale, <- E. field. lra. }
  assert (Z : sum K (fun j => a / r * x j * 0) = 0).
  { rewrite (sum_ext _ _ (fun _ => 0)) by (intros; ring). apply sum_zero. }
  destruct ns as [|n ns].
  - exists (Output (fun j => a / r * x j) 0). unfold depth. cbn [widths length zero_biases norm2 value]. rewrite N, V, Z. simpl.
    repeat split; ring.
  - inversion F as [|? ? M F'].
    exists (Hidden n (fun i j => if (i =? 0)%nat then a / r * x j else 0) (fun _ => 0) (chain a ns)).
    unfold depth. cbn [widths length zero_biases norm2 value]. rewrite chain_widths, chain_norm by assumption.
    repeat split; try apply chain_biases.
    + rewrite (sum_first n).
      * cbn [Nat.eqb]. rewrite N, (S_INR (S (length ns))). ring.
      * assumption.
      * intros i I. destruct i; [lia|]. simpl. rewrite (sum_ext K _ (fun _ => 0)) by (intros; ring). apply sum_zero.
    + rewrite !chain_value; try assumption; try apply relu_nonneg. cbn [Nat.eqb]. rewrite V, Z, !Rplus_0_r.
      rewrite (relu_id (a * r)) by (apply Rmult_le_pos; lra). rewrite (relu_id 0) by lra. cbn [pow]. ring.
Qed.
