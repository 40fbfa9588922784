(* Lemma 12, and the bound for non-negative weights on P_(1,1), for convex non-decreasing activations. *)

From Dropout Require Import Definitions Expectations Every_network Last_layer.
Require Import Bool.
Open Scope bool_scope. Open Scope R_scope.

(* ---- Lemma 12 ------------------------------------------------------------------------------------------------ *)

(* Values at the meet, at two points and at the join. *)
Definition super (a b c d : R) : Prop := a <= b /\ a <= c /\ b <= d /\ c <= d /\ b + c <= a + d.

Lemma super_phi phi a b c d : convex_nondecreasing phi -> super a b c d -> super (phi a) (phi b) (phi c) (phi d).
Proof.
  intros [M C] (AB & AC & BD & CD & S). unfold super. do 4 (split; [apply M; assumption|]).
  destruct (Req_dec a d) as [E|N]; [replace b with a by lra; replace c with a by lra; replace d with a by lra; lra|].
  set (t := (b - a) / (d - a)). assert (T : 0 <= t <= 1).
  { unfold t. split; [apply Rmult_le_pos; [lra | apply Rlt_le, Rinv_0_lt_compat; lra]|].
    apply (Rmult_le_reg_r (d - a)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  assert (Eb : b = t * d + (1 - t) * a) by (unfold t; field; lra).
  pose proof (C t d a T) as B1. rewrite <- Eb in B1. pose proof (C (1 - t) d a ltac:(lra)) as B2.
  replace (1 - (1 - t)) with t in B2 by ring.
  pose proof (M c ((1 - t) * d + t * a) ltac:(lra)) as B3. lra.
Qed.

Lemma relu_convex : convex_nondecreasing relu.
Proof.
  split; unfold relu; intros.
  - apply Rle_max_compat_l. assumption.
  - apply Rmax_lub.
    + pose proof (Rmax_l 0 s). pose proof (Rmax_l 0 t). assert (0 <= a * Rmax 0 s) by (apply Rmult_le_pos; lra).
      assert (0 <= (1 - a) * Rmax 0 t) by (apply Rmult_le_pos; lra). lra.
    + apply Rplus_le_compat; apply Rmult_le_compat_l; try lra; apply Rmax_r.
Qed.

Lemma value_with_relu K W x : value_with relu K W x = value K W x.
Proof. revert K x; induction W; intros; simpl; [reflexivity | apply IHW]. Qed.

Lemma D_with_relu q K W Rs x : D_with relu q K W Rs x = D q K W Rs x.
Proof. revert q K Rs x; induction W; intros; simpl; [reflexivity | apply IHW]. Qed.

Lemma criterion_with_relu q K W P : criterion_with relu q K W P = criterion q K W P.
Proof. apply total_ext. intros e _. f_equal. apply E_ext. intros Rs. rewrite D_with_relu. reflexivity. Qed.

Lemma super_plus a b c d e : super a b c d -> super (a + e) (b + e) (c + e) (d + e).
Proof. unfold super. lra. Qed.

Lemma super_sum n (w x1 x2 x3 x4 : nat -> R) :
  (forall i, (i < n)%nat -> 0 <= w i) -> (forall i, (i < n)%nat -> super (x1 i) (x2 i) (x3 i) (x4 i)) ->
  super (sum n (fun i => w i * x1 i)) (sum n (fun i => w i * x2 i)) (sum n (fun i => w i * x3 i)) (sum n (fun i => w i * x4 i)).
Proof.
  intros W H. unfold super. rewrite <- !sum_plus.
  repeat split; apply sum_le; intros i I; specialize (W i I); destruct (H i I) as (?&?&?&?&?); nra.
Qed.

Lemma value_super phi K W x1 x2 x3 x4 :
  convex_nondecreasing phi -> nonnegative_weights K W -> (forall i, (i < K)%nat -> super (x1 i) (x2 i) (x3 i) (x4 i)) ->
  super (value_with phi K W x1) (value_with phi K W x2) (value_with phi K W x3) (value_with phi K W x4).
Proof.
  intros C. revert K x1 x2 x3 x4; induction W as [w b|n A b W IH]; intros K x1 x2 x3 x4 HW H; simpl in *.
  - apply super_plus, super_sum; assumption.
  - apply IH; [apply HW|]. intros i I. apply super_phi, super_plus, super_sum; [assumption | intros j J; apply HW; assumption | assumption].
Qed.

Theorem lemma_12_convex phi K W x y :
  convex_nondecreasing phi -> nonnegative_weights K W ->
  value_with phi K W x + value_with phi K W y
  <= value_with phi K W (fun i => Rmin (x i) (y i)) + value_with phi K W (fun i => Rmax (x i) (y i)).
Proof.
  intros C HW. apply (value_super phi K W (fun i => Rmin (x i) (y i)) x y (fun i => Rmax (x i) (y i))); [assumption | assumption|].
  intros i _. unfold super, Rmin, Rmax. destruct (Rle_dec (x i) (y i)); lra.
Qed.

Theorem lemma_12 K W x y :
  nonnegative_weights K W ->
  value K W x + value K W y <= value K W (fun i => Rmin (x i) (y i)) + value K W (fun i => Rmax (x i) (y i)).
Proof. intros HW. rewrite <- !value_with_relu. apply lemma_12_convex; [apply relu_convex | assumption]. Qed.

Lemma super_drop q u v s t x (i : nat) : q < 1 -> 0 <= x i ->
  nth i u false = nth i v false && nth i s false -> nth i t false = nth i v false || nth i s false ->
  super (drop q u x i) (drop q v x i) (drop q s x i) (drop q t x i).
Proof.
  intros Q X U T. assert (P : 0 <= x i / (1 - q)) by (apply Rmult_le_pos; [assumption | apply Rlt_le, Rinv_0_lt_compat; lra]).
  unfold super, drop. rewrite U, T. destruct (nth i v false), (nth i s false); simpl; lra.
Qed.

Lemma D_super phi q K W Rs x1 x2 x3 x4 :
  convex_nondecreasing phi -> rates q -> nonnegative_weights K W -> (forall i, (i < K)%nat -> super (x1 i) (x2 i) (x3 i) (x4 i)) ->
  super (D_with phi q K W Rs x1) (D_with phi q K W Rs x2) (D_with phi q K W Rs x3) (D_with phi q K W Rs x4).
Proof.
  intros C. assert (P : forall q r x1 x2 x3 x4 i, q < 1 -> super (x1 i) (x2 i) (x3 i) (x4 i) ->
    super (drop q r x1 i) (drop q r x2 i) (drop q r x3 i) (drop q r x4 i)).
  { intros q0 r y1 y2 y3 y4 i Q. unfold super, drop. destruct (nth i r false); [|lra].
    assert (0 < / (1 - q0)) by (apply Rinv_0_lt_compat; lra). unfold Rdiv. intros (?&?&?&?&?). repeat split; nra. }
  revert q K Rs x1 x2 x3 x4; induction W as [w b|n A b W IH]; intros q K Rs x1 x2 x3 x4 Q HW H; simpl in *.
  - apply super_plus, super_sum; [assumption|]. intros i I. apply P; [apply Q | auto].
  - apply IH; [intros l; apply Q | apply HW|]. intros i I. apply super_phi, super_plus, super_sum; [assumption | intros j J; apply HW; assumption|].
    intros j J. apply P; [apply Q | auto].
Qed.

(* ---- supermodular functions of a mask ------------------------------------------------------------------------ *)

Fixpoint meet (r s : mask) : mask := match r, s with a :: r', b :: s' => (a && b) :: meet r' s' | _, _ => [] end.
Fixpoint join (r s : mask) : mask := match r, s with a :: r', b :: s' => (a || b) :: join r' s' | _, _ => [] end.

Lemma nth_meet r s i : length r = length s -> nth i (meet r s) false = nth i r false && nth i s false.
Proof. revert s i; induction r as [|a r IH]; intros [|b s] [|i] H; simpl in *; try discriminate; auto. Qed.

Lemma nth_join r s i : length r = length s -> nth i (join r s) false = nth i r false || nth i s false.
Proof. revert s i; induction r as [|a r IH]; intros [|b s] [|i] H; simpl in *; try discriminate; auto. Qed.

Definition supermodular (n : nat) (F : mask -> R) : Prop :=
  forall r s, length r = n -> length s = n -> F r + F s <= F (meet r s) + F (join r s).

Definition below (r s : mask) : Prop := meet r s = r /\ join r s = s.
Definition nondecreasing (n : nat) (G : mask -> R) : Prop :=
  forall r s, length r = n -> length s = n -> below r s -> G r <= G s.

Fixpoint count (r : mask) : R := match r with [] => 0 | k :: r' => (if k then 1 else 0) + count r' end.

(* The sum over the bits of the mean effect of turning the bit on. *)
Fixpoint slope (q : R) (n : nat) (F : mask -> R) : R :=
  match n with
  | O => 0
  | S m => expect q m (fun r => F (true :: r) - F (false :: r))
           + ((1 - q) * slope q m (fun r => F (true :: r)) + q * slope q m (fun r => F (false :: r)))
  end.

Lemma expect_minus q n F G : expect q n (fun r => F r - G r) = expect q n F - expect q n G.
Proof.
  rewrite (expect_ext _ _ _ (fun r => F r + (-1) * G r)) by (intros; ring). rewrite expect_plus, expect_scale. ring.
Qed.

Lemma slope_minus q n F G : slope q n (fun r => F r - G r) = slope q n F - slope q n G.
Proof.
  revert F G; induction n; intros; simpl; [ring|].
  rewrite (IHn (fun r => F (true :: r))), (IHn (fun r => F (false :: r))), !expect_minus. ring.
Qed.

Lemma expect_count q n F : expect q n (fun r => (count r - (1 - q) * INR n) * F r) = (1 - q) * q * slope q n F.
Proof.
  revert F; induction n; intros; [rewrite expect_0; simpl; ring|].
  rewrite expect_S, S_INR. cbn [count slope].
  rewrite (expect_ext q n (fun r => (1 + count r - (1 - q) * (INR n + 1)) * F (true :: r))
    (fun r => (count r - (1 - q) * INR n) * F (true :: r) + q * F (true :: r))) by (intros; ring).
  rewrite (expect_ext q n (fun r => (0 + count r - (1 - q) * (INR n + 1)) * F (false :: r))
    (fun r => (count r - (1 - q) * INR n) * F (false :: r) + (q - 1) * F (false :: r))) by (intros; ring).
  rewrite !expect_plus, !expect_scale, (IHn (fun r => F (true :: r))), (IHn (fun r => F (false :: r))), expect_minus. ring.
Qed.

Lemma below_refl r : below r r.
Proof. split; induction r as [|[] r IH]; simpl; congruence. Qed.

Lemma below_cons k r s : below r s -> below (k :: r) (k :: s).
Proof. intros [M J]. split; simpl; [rewrite M, Bool.andb_diag | rewrite J, Bool.orb_diag]; reflexivity. Qed.

Lemma slope_nonneg q n G : 0 <= q <= 1 -> nondecreasing n G -> 0 <= slope q n G.
Proof.
  intros Q. revert G; induction n; intros G H; simpl; [lra|].
  assert (0 <= expect q n (fun r => G (true :: r) - G (false :: r))).
  { apply expect_nonneg; [assumption|]. intros r L. enough (G (false :: r) <= G (true :: r)) by lra.
    apply H; simpl; try congruence. destruct (below_refl r) as [M J]. split; simpl; rewrite ?M, ?J; reflexivity. }
  assert (forall k, 0 <= slope q n (fun r => G (k :: r))).
  { intros k. apply IHn. intros r s L L' B. apply H; simpl; try congruence. apply below_cons, B. }
  pose proof (H1 true). pose proof (H1 false).
  assert (0 <= (1 - q) * slope q n (fun r => G (true :: r))) by (apply Rmult_le_pos; lra).
  assert (0 <= q * slope q n (fun r => G (false :: r))) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma supermodular_cons n F k : supermodular (S n) F -> supermodular n (fun r => F (k :: r)).
Proof.
  intros H r s L L'. specialize (H (k :: r) (k :: s)). simpl in H. rewrite Bool.andb_diag, Bool.orb_diag in H.
  apply H; congruence.
Qed.

Lemma supermodular_growth q n F :
  0 <= q <= 1 -> supermodular n F -> expect q n F - F (repeat false n) <= (1 - q) * slope q n F.
Proof.
  intros Q. revert F; induction n; intros F H; [rewrite expect_0; simpl; lra|].
  rewrite expect_S. cbn [repeat slope]. rewrite expect_minus.
  pose proof (IHn _ (supermodular_cons n F false H)) as I. cbv beta in I.
  assert (S : 0 <= slope q n (fun r => F (true :: r) - F (false :: r))).
  { apply slope_nonneg; [assumption|]. intros r s L L' [M J].
    specialize (H (true :: r) (false :: s)). simpl in H. rewrite M, J in H.
    assert (F (true :: r) + F (false :: s) <= F (false :: r) + F (true :: s)) by (apply H; congruence). lra. }
  rewrite slope_minus in S.
  set (s1 := slope q n (fun r => F (true :: r))) in *. set (s0 := slope q n (fun r => F (false :: r))) in *.
  assert (0 <= (1 - q) * ((1 - q) * (s1 - s0))) by (repeat apply Rmult_le_pos; lra). lra.
Qed.

(* ---- the bound ----------------------------------------------------------------------------------------------- *)

Lemma slope_count q n : slope q n count = INR n.
Proof.
  assert (C : forall n c, slope q n (fun r => c + count r) = INR n).
  { clear n. induction n; intros; [reflexivity|]. cbn [slope count]. rewrite S_INR.
    rewrite (expect_ext _ _ _ (fun _ => 1)) by (intros; ring). rewrite expect_const.
    replace (fun r => c + (1 + count r)) with (fun r => (c + 1) + count r) by (extensionality r; ring).
    replace (fun r => c + (0 + count r)) with (fun r => c + count r) by (extensionality r; ring).
    rewrite !IHn. ring. }
  rewrite <- (C n 0). f_equal. extensionality r. ring.
Qed.

Lemma supermodular_bound q n F :
  0 < q < 1 -> supermodular n F ->
  q / (INR n * (1 - q) + 2 * q) <= F (repeat false n) ^ 2 + expect q n (fun r => (F r - 1) ^ 2).
Proof.
  intros Q H. assert (G := supermodular_growth q n F ltac:(lra) H).
  set (N := INR n) in *. assert (0 <= N) by apply pos_INR.
  assert (Dn : 0 < N * (1 - q) + 2 * q) by nra.
  set (b := / (N * (1 - q) + 2 * q)). assert (B : 0 < b) by (apply Rinv_0_lt_compat, Dn).
  assert (Bd : b * (N * (1 - q) + 2 * q) = 1) by (unfold b; field; lra).
  set (F0 := F (repeat false n)) in *. set (s := slope q n F) in *.
  (* the tangent at the best line f = b q + b count *)
  assert (T : 2 * (- (b * q) * expect q n F + b * ((1 - q) * q * s)) + 2 * (b * q)
              - ((b * q) ^ 2 + b ^ 2 * ((1 - q) * q * N)) <= expect q n (fun r => (F r - 1) ^ 2)).
  { pose proof (expect_count q n F) as EF. fold s N in EF. rewrite <- EF.
    pose proof (expect_count q n count) as EC. rewrite slope_count in EC. fold N in EC. rewrite <- EC.
    assert (Z : expect q n (fun r => (count r - (1 - q) * INR n) * 1) = 0).
    { rewrite expect_count. replace (slope q n (fun _ => 1)) with 0; [ring|].
      clear; induction n; simpl; [reflexivity|]. rewrite <- IHn, (expect_ext _ _ _ (fun _ => 0)) by (intros; ring).
      rewrite expect_const. ring. }
    fold N in Z |- *.
    apply Rle_trans with (expect q n (fun r => 2 * (- (b * q) + b * (count r - (1 - q) * N)) * (F r - 1)
        - (- (b * q) + b * (count r - (1 - q) * N)) ^ 2)).
    - rewrite (expect_ext _ _ (fun r => 2 * _ * _ - _) (fun r => (2 * - (b * q)) * F r
        + (2 * b) * ((count r - (1 - q) * N) * F r) + 2 * (b * q) - (b * q) ^ 2
        + (- b ^ 2) * ((count r - (1 - q) * N) * count r)
        + (- 2 * b + 2 * (b * q) * b + b ^ 2 * ((1 - q) * N)) * ((count r - (1 - q) * N) * 1))) by (intros; ring).
      unfold Rminus at 1. rewrite !expect_plus, !expect_scale, !expect_minus, !expect_plus, !expect_const, !expect_scale, Z. lra.
    - apply expect_le; [lra|]. intros r _.
      set (f := - (b * q) + b * (count r - (1 - q) * N)). pose proof (pow2_ge_0 (F r - 1 - f)). nra. }
  assert (U : 2 * (b * q) * F0 - (b * q) ^ 2 <= F0 ^ 2) by (pose proof (pow2_ge_0 (F0 - b * q)); nra).
  replace (q / (N * (1 - q) + 2 * q)) with (b * q) by (unfold b; field; lra).
  assert (V : 0 <= 2 * (b * q) * ((1 - q) * s - (expect q n F - F0))) by (repeat apply Rmult_le_pos; lra).
  assert (X : b ^ 2 * ((1 - q) * q * N) + 2 * (b * q) ^ 2 = b * q).
  { transitivity (b * q * (b * (N * (1 - q) + 2 * q))); [ring|]. rewrite Bd. ring. }
  lra.
Qed.

(* The output on the input 0 does not depend on the first mask, and is that of the mask which drops everything. *)
Lemma D_with_zero phi q K W r Rs : D_with phi q K W (r :: Rs) (fun _ => 0) = D_with phi q K W (repeat false K :: Rs) (fun _ => 0).
Proof.
  destruct W; simpl.
  - f_equal. apply sum_ext. intros. rewrite !drop_zero. reflexivity.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros. rewrite !drop_zero. reflexivity.
Qed.

Lemma D_with_all_dropped phi q K W Rs x :
  D_with phi q K W (repeat false K :: Rs) x = D_with phi q K W (repeat false K :: Rs) (fun _ => 0).
Proof.
  destruct W; simpl.
  - f_equal. apply sum_ext. intros. rewrite !drop_none. reflexivity.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros. rewrite !drop_none. reflexivity.
Qed.

Lemma supermodular_output_with phi q K W x :
  convex_nondecreasing phi -> rates q -> nonnegative_weights K W -> nonnegative K x ->
  supermodular K (fun r => E_rest q K W (fun Rs => D_with phi q K W (r :: Rs) x)).
Proof.
  intros C Q HW X r s L L'. assert (Q0 := Q O).
  assert (P : forall i, (i < K)%nat ->
    super (drop (q O) (meet r s) x i) (drop (q O) r x i) (drop (q O) s x i) (drop (q O) (join r s) x i)).
  { intros i I. apply super_drop; [lra | apply X, I | apply nth_meet; congruence | apply nth_join; congruence]. }
  destruct W as [w b|n A b W]; simpl E_rest.
  - apply (super_plus _ _ _ _ b). apply super_sum; [exact HW | assumption].
  - rewrite <- !E_plus. apply E_le; [intros l; apply Q|]. intros Rs. simpl.
    apply (D_super phi (next q) n W Rs); [assumption | intros l; apply Q | apply HW|]. intros i I.
    apply super_phi, super_plus, super_sum; [assumption | intros j J; apply HW; assumption | assumption].
Qed.

Lemma supermodular_output q K W x :
  rates q -> nonnegative_weights K W -> nonnegative K x ->
  supermodular K (fun r => E_rest q K W (fun Rs => D q K W (r :: Rs) x)).
Proof.
  intros Q HW X. replace (fun r => E_rest q K W (fun Rs => D q K W (r :: Rs) x))
    with (fun r => E_rest q K W (fun Rs => D_with relu q K W (r :: Rs) x)).
  - apply supermodular_output_with; [apply relu_convex | assumption | assumption | assumption].
  - extensionality r. apply E_rest_ext. intros Rs. apply D_with_relu.
Qed.

Theorem nonnegative_bound_convex phi q K W :
  convex_nondecreasing phi -> rates q -> nonnegative_weights K W ->
  q O / (2 * (INR K * (1 - q O) + 2 * q O)) <= criterion_with phi q K W (half ones 1).
Proof.
  intros C Q HW. assert (Q0 := Q O).
  replace (criterion_with phi q K W (half ones 1)) with ((E q K W (fun Rs => (D_with phi q K W Rs ones - 1) ^ 2)
    + E q K W (fun Rs => (D_with phi q K W Rs (fun _ => 0) - 0) ^ 2)) / 2)
    by (unfold criterion_with, half, total; cbn [fold_right weight input label]; field).
  assert (N1 : 0 <= E q K W (fun Rs => (D_with phi q K W Rs ones - 1) ^ 2)) by (apply E_nonneg; [assumption | intros; apply pow2_ge_0]).
  assert (N2 : 0 <= E q K W (fun Rs => (D_with phi q K W Rs (fun _ => 0) - 0) ^ 2)) by (apply E_nonneg; [assumption | intros; apply pow2_ge_0]).
  destruct (Rle_lt_or_eq_dec 0 (q O)) as [Qp|<-]; [lra| |unfold Rdiv; rewrite Rmult_0_l; lra].
  set (F := fun r => E_rest q K W (fun Rs => D_with phi q K W (r :: Rs) ones)).
  assert (S : supermodular K F) by (apply supermodular_output_with; [assumption | assumption | assumption | intros i _; unfold ones; lra]).
  assert (A : expect (q O) K (fun r => (F r - 1) ^ 2) <= E q K W (fun Rs => (D_with phi q K W Rs ones - 1) ^ 2)).
  { rewrite E_first. apply expect_le; [lra|]. intros r _. apply E_rest_square_le, Q. }
  assert (B : F (repeat false K) ^ 2 <= E q K W (fun Rs => (D_with phi q K W Rs (fun _ => 0) - 0) ^ 2)).
  { rewrite E_first. rewrite (expect_ext _ _ _ (fun _ => E_rest q K W (fun Rs => (D_with phi q K W (repeat false K :: Rs) ones - 0) ^ 2))).
    - rewrite expect_const. rewrite <- (Rminus_0_r (F _)). apply E_rest_square_le, Q.
    - intros r _. apply E_rest_ext. intros Rs. rewrite D_with_zero, <- (D_with_all_dropped phi q K W Rs ones). reflexivity. }
  pose proof (supermodular_bound (q O) K F ltac:(lra) S).
  assert (P : 0 < INR K * (1 - q O) + 2 * q O) by (pose proof (pos_INR K); nra).
  replace (q O / (2 * (INR K * (1 - q O) + 2 * q O))) with (q O / (INR K * (1 - q O) + 2 * q O) / 2) by (field; lra).
  lra.
Qed.

Theorem nonnegative_bound q K W :
  rates q -> nonnegative_weights K W ->
  q O / (2 * (INR K * (1 - q O) + 2 * q O)) <= criterion q K W (half ones 1).
Proof. intros Q HW. rewrite <- criterion_with_relu. apply nonnegative_bound_convex; [apply relu_convex | assumption | assumption]. Qed.

Theorem lemma_16 K W :
  (18 < K)%nat -> nonnegative_weights K W -> 1 / (36 * INR K) <= criterion (fun _ => 1/2) K W (half ones 1).
Proof.
  intros HK HW. pose proof (nonnegative_bound (fun _ => 1/2) K W ltac:(intros l; lra) HW) as B. cbv beta in B.
  assert (18 < INR K) by (apply (lt_INR 18) in HK; simpl in HK; lra). eapply Rle_trans; [|exact B].
  replace (1 / 2 / (2 * (INR K * (1 - 1 / 2) + 2 * (1 / 2)))) with (1 / (2 * INR K + 4)) by (field; lra).
  unfold Rdiv. rewrite !Rmult_1_l. apply Rinv_le_contravar; lra.
Qed.
