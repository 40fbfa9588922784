(* Theorem 18: equal weights, and the growth of the dropout criterion with depth. *)

From Dropout Require Import Definitions Expectations Theorem_5 Last_layer Every_network.

(* ---- moments of a network with all weights a and all biases 0 ------------------------------------------------- *)

(* The product of n + noise over n; the hidden layers are layers 1, 2, ... *)
Fixpoint spread (q : nat -> R) (ns : list nat) : R :=
  match ns with [] => 1 | n :: ns' => (INR n ^ 2 + noise (q O) * INR n) * spread (next q) ns' end.

Lemma equal_widths a ns : widths (equal a ns) = ns.
Proof. induction ns; simpl; congruence. Qed.

Lemma equal_layer q a K r h :
  0 <= a -> q < 1 -> nonnegative K h -> relu (sum K (fun j => a * drop q r h j) + 0) = sum K (fun j => a * drop q r h j).
Proof.
  intros A Q H. rewrite Rplus_0_r. apply relu_id, sum_nonneg. intros j J.
  apply Rmult_le_pos; [assumption|]. apply (drop_nonneg q r K); assumption.
Qed.

Lemma equal_mean q K a ns h :
  rates q -> 0 <= a -> nonnegative K h ->
  E q K (equal a ns) (fun Rs => D q K (equal a ns) Rs h) = a ^ S (length ns) * size ns * sum K h.
Proof.
  revert q K h; induction ns as [|n ns IH]; intros q K h Q A H; cbn [equal].
  - rewrite E_output. cbn [D hd]. rewrite mean_linear by apply Q. unfold dot. rewrite sum_scale. simpl. ring.
  - rewrite E_hidden. cbn [D hd tl].
    rewrite (expect_ext _ _ _ (fun r => (a ^ S (length ns) * size ns * INR n) * (sum K (fun j => a * drop (q O) r h j) + 0))).
    + rewrite expect_scale, mean_linear by apply Q. unfold dot. rewrite sum_scale. simpl. ring.
    + intros r _. rewrite IH; [|intros l; apply Q | assumption | intros i I; apply relu_nonneg].
      rewrite sum_const, equal_layer by (auto; apply Q). ring.
Qed.

Lemma equal_square q K a ns h :
  rates q -> 0 <= a -> nonnegative K h ->
  E q K (equal a ns) (fun Rs => D q K (equal a ns) Rs h ^ 2)
  = (a ^ S (length ns)) ^ 2 * spread (next q) ns * (sum K h ^ 2 + noise (q O) * sum K (fun i => h i ^ 2)).
Proof.
  revert q K h; induction ns as [|n ns IH]; intros q K h Q A H; cbn [equal].
  - rewrite E_output. cbn [D hd]. rewrite square_linear by apply Q. unfold dot. rewrite sum_scale.
    rewrite (sum_ext _ (fun i => (a * h i) ^ 2) (fun i => a ^ 2 * h i ^ 2)) by (intros; ring).
    rewrite sum_scale. unfold noise. simpl. ring.
  - rewrite E_hidden. cbn [D hd tl].
    rewrite (expect_ext _ _ _ (fun r => ((a ^ S (length ns)) ^ 2 * spread (next q) (n :: ns)) * (sum K (fun j => a * drop (q O) r h j) + 0) ^ 2)).
    + rewrite expect_scale, square_linear by apply Q. unfold dot. rewrite sum_scale.
      rewrite (sum_ext _ (fun i => (a * h i) ^ 2) (fun i => a ^ 2 * h i ^ 2)) by (intros; ring).
      rewrite sum_scale. unfold noise. simpl. ring.
    + intros r _. rewrite IH; [|intros l; apply Q | assumption | intros i I; apply relu_nonneg].
      rewrite !sum_const, equal_layer by (auto; apply Q). cbn [spread]. ring.
Qed.

Lemma equal_value K a ns h :
  0 <= a -> nonnegative K h -> value K (equal a ns) h = a ^ S (length ns) * size ns * sum K h.
Proof.
  revert K h; induction ns as [|n ns IH]; intros K h A H; simpl.
  - rewrite sum_scale. ring.
  - rewrite IH; [|assumption | intros i I; apply relu_nonneg].
    rewrite sum_const, Rplus_0_r, relu_id; [rewrite sum_scale; simpl; ring|].
    apply sum_nonneg. intros j J. apply Rmult_le_pos; auto.
Qed.

(* ---- Theorem 18 ---------------------------------------------------------------------------------------------- *)

Lemma size_repeat n m : size (repeat n m) = INR n ^ m.
Proof. induction m; simpl; [|rewrite IHm]; reflexivity. Qed.

Lemma spread_repeat q n m : (0 < n)%nat -> spread (fun _ => q) (repeat n m) = INR n ^ m * INR n ^ m * (1 + noise q / INR n) ^ m.
Proof.
  intros N. assert (INR n <> 0) by (apply not_0_INR; lia).
  induction m; simpl; [ring|]. change (next (fun _ : nat => q)) with (fun _ : nat => q). rewrite IHm. field. assumption.
Qed.

Lemma equal_norm a n K m : norm2 K (equal a (repeat n (S m))) = a ^ 2 * (INR K * INR n + INR n ^ 2 * INR m + INR n).
Proof.
  assert (H : forall m, norm2 n (equal a (repeat n m)) = a ^ 2 * (INR n ^ 2 * INR m + INR n)).
  { clear m. induction m; [simpl; rewrite sum_const; ring|]. rewrite S_INR. cbn [repeat equal norm2]. rewrite IHm.
    rewrite (sum_ext n _ (fun _ => INR n * a ^ 2)) by (intros; apply sum_const). rewrite sum_const. ring. }
  cbn [repeat equal norm2]. rewrite H.
  rewrite (sum_ext n _ (fun _ => INR K * a ^ 2)) by (intros; apply sum_const). rewrite sum_const. ring.
Qed.

(* K inputs, d - 1 hidden layers of n units; all weights are a with a^d K n^(d-1) = y, all biases 0. *)
Theorem theorem_18 q K n d a y :
  0 <= q < 1 -> (0 < K)%nat -> (0 < n)%nat -> (0 < d)%nat -> 0 <= a -> a ^ d * (INR K * INR n ^ (d - 1)) = y ->
  let W := equal a (repeat n (d - 1)) in
  risk K W (point ones y) = 0
  /\ mean_D (fun _ => q) K W ones = y
  /\ variance_D (fun _ => q) K W ones = y ^ 2 * ((1 + noise q / INR K) * (1 + noise q / INR n) ^ (d - 1) - 1)
  /\ criterion (fun _ => q) K W (point ones y) = variance_D (fun _ => q) K W ones.
Proof.
  intros Q HK Hn Hd A0 YA W. assert (Q' : rates (fun _ => q)) by (intros l; lra).
  assert (K0 : 0 < INR K) by (apply lt_0_INR; assumption). assert (N0 : 0 < INR n) by (apply lt_0_INR; assumption).
  assert (L : S (length (repeat n (d - 1))) = d) by (rewrite repeat_length; lia).
  assert (O1 : nonnegative K ones) by (intros i _; unfold ones; lra).
  assert (S1 : sum K ones = INR K) by (unfold ones; rewrite sum_const; ring).
  assert (YA' : a ^ d * INR n ^ (d - 1) * INR K = y) by (rewrite <- YA; ring).
  assert (M : mean_D (fun _ => q) K W ones = y).
  { unfold mean_D, W. rewrite equal_mean, L, size_repeat, S1 by assumption. exact YA'. }
  split; [|split; [assumption | split]].
  - unfold risk, point, total. cbn [fold_right weight input label]. unfold W.
    rewrite equal_value, L, size_repeat, S1, YA' by assumption. ring.
  - unfold variance_D. rewrite mean_square, M. fold (mean_D (fun _ => q) K W ones). rewrite M. unfold W.
    rewrite equal_square, L, S1 by assumption.
    change (next (fun _ : nat => q)) with (fun _ : nat => q). rewrite spread_repeat by assumption.
    rewrite (sum_ext _ (fun i => ones i ^ 2) ones) by (intros; unfold ones; ring). rewrite S1.
    rewrite <- YA'. field. lra.
  - unfold criterion, point, total, variance_D. cbn [fold_right weight input label]. rewrite M. ring.
Qed.

Theorem theorem_18_a K n d a y :
  (0 < K)%nat -> (0 < n)%nat -> 0 <= a -> a ^ d * (INR K * INR n ^ (d - 1)) = y -> y <= INR K * INR n ^ (d - 1) ->
  (0 < d)%nat -> a <= 1.
Proof.
  intros HK Hn A0 YA Y Hd. assert (M0 : 0 < INR K * INR n ^ (d - 1)).
  { apply Rmult_lt_0_compat; [apply lt_0_INR; assumption | apply pow_lt, lt_0_INR; assumption]. }
  apply Rnot_lt_le. intros L. assert (P : 1 < a ^ d) by (apply Rlt_pow_R1; assumption).
  apply (Rmult_lt_compat_r _ _ _ M0) in P. lra.
Qed.

Lemma power_ge_1 c m : 1 <= c -> 1 <= c ^ m.
Proof. intros. induction m; simpl; nra. Qed.

Theorem theorem_18_b K n d a y :
  (0 < K)%nat -> (0 < n)%nat -> (0 < d)%nat -> 0 <= a -> a ^ d * (INR K * INR n ^ (d - 1)) = y ->
  y ^ 2 / (INR K + 1) <= criterion (fun _ => 1/2) K (equal a (repeat n (d - 1))) (point ones y).
Proof.
  intros HK Hn Hd A0 YA. destruct (theorem_18 (1/2) K n d a y ltac:(lra) HK Hn Hd A0 YA) as (_ & _ & V & C).
  rewrite C, V. unfold Rdiv at 1. apply Rmult_le_compat_l; [apply pow2_ge_0|].
  replace (noise (1/2)) with 1 by (unfold noise; field).
  assert (K0 : 0 < INR K) by (apply lt_0_INR; assumption). assert (N0 : 0 < INR n) by (apply lt_0_INR; assumption).
  assert (KI : 0 < / INR K) by (apply Rinv_0_lt_compat; assumption). assert (NI : 0 < / INR n) by (apply Rinv_0_lt_compat; assumption).
  assert (P : 1 <= (1 + 1 / INR n) ^ (d - 1)) by (apply power_ge_1; unfold Rdiv; lra).
  assert (R : / (INR K + 1) <= / INR K) by (apply Rinv_le_contravar; lra).
  assert (S : (1 + 1 / INR K) * 1 <= (1 + 1 / INR K) * (1 + 1 / INR n) ^ (d - 1)) by (apply Rmult_le_compat_l; unfold Rdiv; lra).
  unfold Rdiv in *. lra.
Qed.

Theorem theorem_18_c lambda K n d a y r :
  0 <= lambda -> (0 < K)%nat -> (0 < n)%nat -> (2 <= d)%nat -> 0 <= a -> a ^ d * (INR K * INR n ^ (d - 1)) = y ->
  let W := equal a (repeat n (d - 1)) in
  let weights := INR K * INR n + INR n ^ 2 * INR (d - 2) + INR n in
  L2_criterion lambda K W (point ones y) = lambda / 2 * a ^ 2 * weights
  /\ (0 <= r -> r ^ d = y -> L2_criterion lambda K W (point ones y) <= lambda / 2 * r ^ 2 * weights).
Proof.
  intros La HK Hn Hd A0 YA W weights.
  destruct (theorem_18 0 K n d a y ltac:(lra) HK Hn ltac:(lia) A0 YA) as (Rk & _). fold W in Rk.
  assert (N : norm2 K W = a ^ 2 * weights).
  { unfold W. replace (d - 1)%nat with (S (d - 2)) by lia. apply equal_norm. }
  assert (K1 : 1 <= INR K) by (apply (le_INR 1); lia). assert (N1 : 1 <= INR n) by (apply (le_INR 1); lia).
  assert (W0 : 0 <= weights). { unfold weights. pose proof (pos_INR (d - 2)). assert (0 <= INR n ^ 2) by apply pow2_ge_0. nra. }
  unfold L2_criterion. rewrite Rk, N. split; [ring|]. intros R0 RY.
  assert (AR : a <= r).
  { apply Rnot_lt_le. intros L. assert (P : r ^ d < a ^ d).
    { clear -R0 L Hd. assert (H : forall m, r ^ S m < a ^ S m).
      { induction m; [simpl; lra|]. change (r * r ^ S m < a * a ^ S m). assert (0 <= r ^ S m) by (apply pow_le; assumption). nra. }
      replace d with (S (d - 1)) by lia. apply H. }
    assert (M1 : 1 <= INR K * INR n ^ (d - 1)). { pose proof (power_ge_1 (INR n) (d - 1) N1). nra. }
    assert (0 <= a ^ d) by (apply pow_le; assumption). nra. }
  assert (a ^ 2 <= r ^ 2) by (apply pow_incr; lra).
  assert (0 <= lambda / 2 * weights) by (apply Rmult_le_pos; lra). nra.
Qed.

(* ---- growth: every network without biases and without negative weights --------------------------------------- *)

Lemma cauchy n f : sum n f ^ 2 <= INR n * sum n (fun i => f i ^ 2).
Proof.
  induction n; [simpl; lra|]. rewrite !sum_last, S_INR.
  set (s := sum n f) in *. set (t := sum n (fun i => f i ^ 2)) in *. assert (N := pos_INR n).
  destruct (Nat.eq_dec n 0) as [->|Z]; [subst s t; simpl; nra|].
  assert (P : 0 < INR n) by (apply lt_0_INR; lia).
  assert (C : 2 * s * f n <= t + INR n * f n ^ 2).
  { apply (Rmult_le_reg_l (INR n)); [assumption|]. pose proof (pow2_ge_0 (s - INR n * f n)). nra. }
  nra.
Qed.

Lemma value_linear K W : nonnegative_weights K W -> zero_biases W ->
  exists g, nonnegative K g /\ forall x, nonnegative K x -> value K W x = dot K g x.
Proof.
  revert K; induction W as [w b|n A b W IH]; intros K HW HB; simpl in *.
  - exists w. split; [exact HW|]. intros. rewrite HB. unfold dot. ring.
  - destruct HW as [HA HW], HB as [Hb HB]. destruct (IH n HW HB) as (g & G & V).
    exists (fun j => sum n (fun i => g i * A i j)). split.
    + intros j J. apply sum_nonneg. intros i I. apply Rmult_le_pos; auto.
    + intros x X. rewrite V by (intros i I; apply relu_nonneg). unfold dot.
      rewrite (sum_ext K _ (fun j => sum n (fun i => g i * A i j * x j))) by (intros; rewrite Rmult_comm, <- sum_scale; apply sum_ext; intros; ring).
      rewrite sum_swap. apply sum_ext. intros i I. rewrite Hb, Rplus_0_r, relu_id by
        (try assumption; apply sum_nonneg; intros j J; apply Rmult_le_pos; auto).
      rewrite <- sum_scale. apply sum_ext. intros; ring.
Qed.

Lemma noise_nonneg q : 0 <= q < 1 -> 0 <= noise q.
Proof. intros. apply Rmult_le_pos; [lra | apply Rlt_le, Rinv_0_lt_compat; lra]. Qed.

Lemma first_layer_growth q K g x c :
  0 <= q < 1 -> (0 < K)%nat -> 0 <= c ->
  c * (1 + noise q / INR K) * dot K g x ^ 2 <= c * expect q K (fun r => (sum K (fun j => g j * drop q r x j) + 0) ^ 2).
Proof.
  intros Q HK C. rewrite square_linear by apply Q. rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|].
  rewrite Rplus_0_r. unfold dot. assert (P : 0 < INR K) by (apply lt_0_INR; assumption).
  pose proof (cauchy K (fun i => g i * x i)) as S. simpl in S.
  assert (N := noise_nonneg q Q). fold (noise q).
  apply (Rmult_le_reg_l (INR K)); [assumption|].
  replace (INR K * ((1 + noise q / INR K) * sum K (fun i => g i * x i) ^ 2))
    with (INR K * sum K (fun i => g i * x i) ^ 2 + noise q * sum K (fun i => g i * x i) ^ 2) by (field; lra).
  pose proof (Rmult_le_compat_l _ _ _ N (cauchy K (fun i => g i * x i))). lra.
Qed.

Lemma growth_nonneg q ns : rates q -> Forall (lt 0) ns -> 0 <= growth q ns.
Proof.
  revert q; induction ns as [|n ns IH]; intros q Q H; simpl; [lra|]. inversion H; subst.
  apply Rmult_le_pos; [|apply IH; [intros l; apply Q | assumption]].
  assert (0 <= noise (q O) / INR n); [|lra].
  apply Rmult_le_pos; [apply noise_nonneg, Q | apply Rlt_le, Rinv_0_lt_compat, lt_0_INR; assumption].
Qed.

Theorem growth_bound q K W x :
  rates q -> (0 < K)%nat -> Forall (lt 0) (widths W) ->
  nonnegative_weights K W -> zero_biases W -> nonnegative K x ->
  growth q (K :: widths W) * value K W x ^ 2 <= E q K W (fun Rs => D q K W Rs x ^ 2).
Proof.
  revert q K x; induction W as [w b|n A b W IH]; intros q K x Q HK Hn HW HB X.
  - simpl in HB. subst b. rewrite E_output. simpl growth. simpl value. cbn [D hd].
    pose proof (first_layer_growth (q O) K w x 1 (Q O) HK ltac:(lra)) as H. unfold dot in H. lra.
  - destruct (value_linear K (Hidden n A b W) HW HB) as (g & G & V).
    cbn [widths] in *. inversion Hn; subst. rewrite E_hidden.
    apply Rle_trans with (expect (q O) K (fun r => growth (next q) (n :: widths W) * (sum K (fun j => g j * drop (q O) r x j) + 0) ^ 2)).
    + rewrite expect_scale, V by assumption.
      pose proof (first_layer_growth (q O) K g x (growth (next q) (n :: widths W)) (Q O) HK
        (growth_nonneg _ (n :: widths W) (fun l => Q (S l)) ltac:(constructor; assumption))) as H.
      change (growth q (K :: n :: widths W)) with ((1 + noise (q O) / INR K) * growth (next q) (n :: widths W)). lra.
    + apply expect_le; [specialize (Q O); lra|]. intros r _.
      assert (X' : nonnegative K (drop (q O) r x)) by (apply drop_nonneg; [apply Q | assumption]).
      rewrite Rplus_0_r. pose proof (V _ X') as V'. unfold dot in V'. rewrite <- V'.
      cbn [D hd tl value]. simpl in HW, HB.
      apply (IH (next q) n); [intros l; apply Q | assumption | assumption | tauto | tauto | intros i I; apply relu_nonneg].
Qed.

(* ---- the exact minimum over non-negative weights without biases, on the point mass ---------------------------------- *)

Lemma zero_biases_nonnegative W : zero_biases W -> nonnegative_biases W.
Proof.
  induction W as [w b|n A b W IH]; simpl; [lra|]. intros [H HB]. split; [intros i I; rewrite H by assumption; lra | auto].
Qed.

Theorem nonnegative_minimum q K ns :
  rates q -> (0 < K)%nat -> Forall (lt 0) ns ->
  let allowed W := widths W = ns /\ nonnegative_weights K W /\ zero_biases W in
  (forall W, allowed W -> 1 - 1 / growth q (K :: ns) <= criterion q K W (point ones 1))
  /\ (exists W, allowed W /\ criterion q K W (point ones 1) = 1 - 1 / growth q (K :: ns)).
Proof.
  intros Q HK Hn allowed. set (g := growth q (K :: ns)).
  assert (G : 1 <= g).
  { assert (H : forall q ns, rates q -> Forall (lt 0) ns -> 1 <= growth q ns).
    { clear. intros q ns; revert q; induction ns as [|n ns IH]; intros q Q H; simpl; [lra|]. inversion H; subst.
      assert (1 <= growth (next q) ns) by (apply IH; [intros l; apply Q | assumption]).
      assert (0 <= noise (q O) / INR n); [|nra].
      apply Rmult_le_pos; [apply noise_nonneg, Q | apply Rlt_le, Rinv_0_lt_compat, lt_0_INR; assumption]. }
    apply H; [assumption | constructor; assumption]. }
  assert (O1 : nonnegative K ones) by (intros i _; unfold ones; lra).
  assert (J : forall W, nonnegative_weights K W -> zero_biases W ->
    criterion q K W (point ones 1) = E q K W (fun Rs => D q K W Rs ones ^ 2) - 2 * value K W ones + 1).
  { intros W HW HB. unfold criterion, point, total. cbn [fold_right weight input label].
    rewrite mean_square. pose proof (mean_nonnegative q K W ones Q HW (zero_biases_nonnegative W HB) O1) as M.
    unfold mean_D in M. rewrite M. ring. }
  assert (IG : 0 < / g) by (apply Rinv_0_lt_compat; lra). assert (GI : g * / g = 1) by (apply Rinv_r; lra).
  split.
  - intros W (HW & HN & HB). rewrite (J W HN HB).
    pose proof (growth_bound q K W ones Q HK ltac:(rewrite HW; assumption) HN HB O1) as B. rewrite HW in B. fold g in B.
    pose proof (pow2_ge_0 (value K W ones - / g)) as S.
    apply (Rmult_le_compat_l g) in S; [|lra].
    replace (g * (value K W ones - / g) ^ 2) with (g * value K W ones ^ 2 - 2 * (g * / g) * value K W ones + (g * / g) * / g) in S by ring.
    rewrite GI in S. unfold Rdiv. lra.
  - assert (SP : 0 < size ns).
    { clear -Hn. induction ns; simpl; [lra|]. inversion Hn; subst. apply Rmult_lt_0_compat; [apply lt_0_INR; assumption | auto]. }
    assert (K0 : 0 < INR K) by (apply lt_0_INR; assumption).
    set (c := / (g * size ns * INR K)).
    assert (C0 : 0 < c) by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra | assumption]).
    assert (NN : forall K ns, nonnegative_weights K (scale_output c (equal 1 ns))).
    { intros K' ns'; revert K'; induction ns'; intros; simpl; [intros; lra | split; [intros; lra | apply IHns']]. }
    assert (ZB : forall ns, zero_biases (scale_output c (equal 1 ns))).
    { intros ns'; induction ns'; simpl; [ring | split; [auto | assumption]]. }
    assert (WD : forall ns, widths (scale_output c (equal 1 ns)) = ns) by (intros ns'; induction ns'; simpl; congruence).
    assert (DS : forall q K ns Rs x, D q K (scale_output c (equal 1 ns)) Rs x = c * D q K (equal 1 ns) Rs x).
    { intros q' K' ns'; revert q' K'; induction ns'; intros; simpl; [|apply IHns'].
      rewrite !Rplus_0_r, Rmult_0_r, Rplus_0_r, <- sum_scale. apply sum_ext; intros; ring. }
    assert (S1 : sum K ones = INR K) by (unfold ones; rewrite sum_const; ring).
    exists (scale_output c (equal 1 ns)). split; [split; [apply WD | split; [apply NN | apply ZB]]|].
    rewrite J by auto.
    rewrite <- (mean_nonnegative q K _ ones Q (NN K ns) (zero_biases_nonnegative _ (ZB ns)) O1). unfold mean_D.
    rewrite !(E_widths _ _ (scale_output c (equal 1 ns)) (equal 1 ns)) by (rewrite WD, equal_widths; reflexivity).
    rewrite (E_ext _ _ _ _ (fun Rs => c ^ 2 * D q K (equal 1 ns) Rs ones ^ 2)) by (intros; rewrite DS; ring).
    rewrite (E_ext _ _ _ (fun Rs => D q K (scale_output c (equal 1 ns)) Rs ones) (fun Rs => c * D q K (equal 1 ns) Rs ones)) by (intros; apply DS).
    rewrite !E_scale, equal_mean, equal_square by (assumption || lra). rewrite !pow1.
    rewrite (sum_ext _ (fun i => ones i ^ 2) ones) by (intros; unfold ones; ring). rewrite S1.
    assert (SG : forall q ns, Forall (lt 0) ns -> spread q ns = size ns ^ 2 * growth q ns).
    { clear. intros q ns; revert q; induction ns as [|n ns IH]; intros q H; simpl; [ring|]. inversion H; subst.
      rewrite IH by assumption. assert (INR n <> 0) by (apply not_0_INR; lia). field. assumption. }
    rewrite SG by assumption.
    assert (EG : growth (next q) ns * (INR K ^ 2 + noise (q O) * INR K) = g * INR K ^ 2) by (unfold g; cbn [growth]; field; lra).
    transitivity (c ^ 2 * size ns ^ 2 * (growth (next q) ns * (INR K ^ 2 + noise (q O) * INR K)) - 2 * (c * size ns * INR K) + 1); [ring|].
    rewrite EG. unfold c. field. lra.
Qed.
