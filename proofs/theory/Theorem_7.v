(* Theorem 7: the weight-decay aversion of P_(x,1) for one hidden layer, any width, any biases. *)

From Dropout Require Import Definitions Expectations Last_layer Every_network.

Lemma cauchy_schwarz K v x : 0 < sum K (fun j => x j ^ 2) -> dot K v x ^ 2 <= sum K (fun j => v j ^ 2) * sum K (fun j => x j ^ 2).
Proof.
  unfold dot. set (X := sum K (fun j => x j ^ 2)). set (V := sum K (fun j => v j ^ 2)). set (s := sum K (fun j => v j * x j)). intros P.
  assert (H : 0 <= sum K (fun j => (X * v j - s * x j) ^ 2)) by (apply sum_nonneg; intros; apply pow2_ge_0).
  rewrite (sum_ext _ _ (fun j => (X * X) * v j ^ 2 + (- 2 * X * s) * (v j * x j) + (s * s) * x j ^ 2)) in H by (intros; ring).
  rewrite !sum_plus, !sum_scale in H. fold X V s in H.
  apply (Rmult_le_reg_l X); [assumption|]. lra.
Qed.

Lemma relu_lipschitz s t : Rabs (relu (s + t) - relu t) <= Rabs s.
Proof. unfold relu, Rmax, Rabs. destruct (Rle_dec 0 (s + t)), (Rle_dec 0 t); repeat destruct (Rcase_abs _); lra. Qed.

Lemma Rabs_sum n f : Rabs (sum n f) <= sum n (fun i => Rabs (f i)).
Proof. revert f; induction n; intros; simpl; [rewrite Rabs_R0; lra|]. eapply Rle_trans; [apply Rabs_triang|]. specialize (IHn (fun i => f (S i))). lra. Qed.

Lemma unit_cost K w v x b r :
  0 < r -> r ^ 2 = sum K (fun j => x j ^ 2) ->
  Rabs (w * relu (sum K (fun j => v j * x j) + b) - w * relu (sum K (fun j => v j * 0) + b))
  <= r / 2 * (sum K (fun j => v j ^ 2) + w ^ 2).
Proof.
  intros R E. rewrite <- Rmult_minus_distr_l, Rabs_mult.
  rewrite (sum_ext K (fun j => v j * 0) (fun _ => 0)), sum_zero, Rplus_0_l by (intros; ring).
  apply Rle_trans with (Rabs w * Rabs (dot K v x)).
  { apply Rmult_le_compat_l; [apply Rabs_pos | apply relu_lipschitz]. }
  assert (C := cauchy_schwarz K v x ltac:(rewrite <- E; nra)). rewrite <- E in C.
  set (s := dot K v x) in *. set (V := sum K (fun j => v j ^ 2)) in *.
  rewrite <- (pow2_abs w). rewrite <- (pow2_abs s) in C. set (a := Rabs w). set (t := Rabs s) in *.
  apply (Rmult_le_reg_l (2 * r)); [lra|].
  pose proof (pow2_ge_0 (r * a - t)). nra.
Qed.

Lemma norm_bound K n A b w beta x r :
  0 < r -> r ^ 2 = sum K (fun j => x j ^ 2) ->
  let W := Hidden n A b (Output w beta) in
  Rabs (value K W x - value K W (fun _ => 0)) <= r / 2 * norm2 K W.
Proof.
  intros R E W. simpl.
  match goal with |- Rabs ?d <= _ => replace d with (sum n (fun i => w i * relu (sum K (fun j => A i j * x j) + b i) - w i * relu (sum K (fun j => A i j * 0) + b i))) end.
  - eapply Rle_trans; [apply Rabs_sum|]. rewrite <- sum_plus, <- sum_scale. apply sum_le. intros i _.
    replace (w i * (w i * 1)) with (w i ^ 2) by ring. apply (unit_cost K (w i) (A i) x (b i) r R E).
  - unfold Rminus. rewrite sum_plus, (sum_ext n (fun i => - _) (fun i => -1 * (w i * relu (sum K (fun j => A i j * 0) + b i)))) by (intros; ring).
    rewrite sum_scale. ring.
Qed.

Lemma L2_half lambda K W x y :
  L2_criterion lambda K W (half x y)
  = (value K W (fun _ => 0) ^ 2 + (value K W x - y) ^ 2) / 2 + lambda / 2 * norm2 K W.
Proof. unfold L2_criterion, risk, half, total. cbn [fold_right weight input label]. field. Qed.

(* The least of (1 - A)^2 / 4 + m |A|. *)
Definition best_A (m : R) : R := Rmax 0 (1 - 2 * m).
Definition best_J (m : R) : R := (1 - best_A m) ^ 2 / 4 + m * best_A m.

Lemma best_A_is_best m A : 0 < m -> best_J m + (A - best_A m) ^ 2 / 4 <= (1 - A) ^ 2 / 4 + m * Rabs A.
Proof.
  intros M. unfold best_J, best_A, Rmax, Rabs. destruct (Rle_dec 0 (1 - 2 * m)), (Rcase_abs A); nra.
Qed.

Lemma J2_lower lambda K n W x r :
  0 < lambda -> 0 < r -> r ^ 2 = sum K (fun j => x j ^ 2) -> widths W = [n] ->
  let A := value K W x - value K W (fun _ => 0) in
  best_J (lambda / r) + (A - best_A (lambda / r)) ^ 2 / 4 + (value K W (fun _ => 0) - (1 - A) / 2) ^ 2 <= L2_criterion lambda K W (half x 1).
Proof.
  intros L R E HW A. destruct W as [|m B b [w beta|]]; try discriminate.
  pose proof (norm_bound K m B b w beta x r R E) as N. cbv zeta in N. fold A in N.
  rewrite L2_half. set (W0 := value K _ (fun _ => 0)) in *. set (W1 := value K _ x) in *. set (nn := norm2 K _) in *.
  assert (M : 0 < lambda / r) by (apply Rdiv_lt_0_compat; assumption).
  pose proof (best_A_is_best (lambda / r) A M) as G.
  assert (N' : lambda / r * Rabs A <= lambda / 2 * nn).
  { replace (lambda / 2 * nn) with (lambda / r * (r / 2 * nn)) by (field; lra). apply Rmult_le_compat_l; lra. }
  replace ((W0 ^ 2 + (W1 - 1) ^ 2) / 2) with ((W0 - (1 - A) / 2) ^ 2 + (1 - A) ^ 2 / 4) by (unfold A; field). lra.
Qed.

(* One unit. *)
Definition one_unit (v : nat -> R) (w b : R) (n : nat) : network :=
  Hidden n (fun i => match i with O => v | _ => fun _ => 0 end) (fun _ => 0) (Output (fun i => match i with O => w | _ => 0 end) b).

Lemma one_unit_value K v w b n x : value K (one_unit v w b (S n)) x = w * relu (dot K v x) + b.
Proof.
  unfold one_unit, dot. simpl. rewrite (sum_ext n _ (fun _ => 0)) by (intros; ring). rewrite sum_zero, !Rplus_0_r. ring.
Qed.

Lemma one_unit_norm K v w b n : norm2 K (one_unit v w b (S n)) = sum K (fun j => v j ^ 2) + w ^ 2.
Proof.
  unfold one_unit. cbn [norm2 sum].
  rewrite (sum_ext n (fun i => sum K _) (fun _ => 0)) by (intros; rewrite (sum_ext K _ (fun _ => 0)) by (intros; ring); apply sum_zero).
  rewrite (sum_ext n (fun i => 0 ^ 2) (fun _ => 0)) by (intros; ring). rewrite !sum_zero. ring.
Qed.

Lemma attained lambda K n x r :
  0 < lambda -> 0 < r -> r ^ 2 = sum K (fun j => x j ^ 2) ->
  exists W, widths W = [S n] /\ L2_criterion lambda K W (half x 1) = best_J (lambda / r).
Proof.
  intros L R E. set (m := lambda / r). set (A := best_A m).
  assert (A0 : 0 <= A) by apply Rmax_l.
  set (s := sqrt A). set (t := sqrt r). assert (S2 : s * s = A) by (apply sqrt_sqrt; assumption).
  assert (T2 : t * t = r) by (apply sqrt_sqrt; lra). assert (T0 : 0 < t) by (apply sqrt_lt_R0; assumption).
  assert (S0 : 0 <= s) by apply sqrt_pos.
  exists (one_unit (fun j => s / (t * r) * x j) (s / t) ((1 - A) / 2) (S n)). split; [reflexivity|].
  rewrite L2_half, one_unit_norm, !one_unit_value.
  assert (D0 : dot K (fun j => s / (t * r) * x j) (fun _ => 0) = 0).
  { unfold dot. rewrite (sum_ext K _ (fun _ => 0)) by (intros; ring). apply sum_zero. }
  assert (D1 : dot K (fun j => s / (t * r) * x j) x = s / t * r).
  { unfold dot. rewrite (sum_ext K _ (fun j => s / (t * r) * x j ^ 2)) by (intros; ring). rewrite sum_scale, <- E. field. lra. }
  assert (N : sum K (fun j => (s / (t * r) * x j) ^ 2) = A / r).
  { rewrite (sum_ext K _ (fun j => (s / (t * r)) ^ 2 * x j ^ 2)) by (intros; ring). rewrite sum_scale, <- E.
    rewrite <- S2, <- T2. field. lra. }
  assert (P : 0 <= s / t * r). { apply Rmult_le_pos; [apply Rmult_le_pos; [assumption | apply Rlt_le, Rinv_0_lt_compat, T0] | lra]. }
  rewrite D0, D1, N, !relu_id by lra.
  replace (s / t * (s / t * r)) with A by (rewrite <- S2, <- T2; field; lra).
  replace ((s / t) ^ 2) with (A / r) by (rewrite <- S2, <- T2; field; lra).
  unfold best_J. fold A. unfold m. field. lra.
Qed.

Theorem theorem_7 lambda K n x :
  0 < lambda -> 0 < sum K (fun j => x j ^ 2) ->
  aversion (L2_criterion lambda K) K [S n] (half x 1) (Rmin (1/4) (lambda ^ 2 / sum K (fun j => x j ^ 2))).
Proof.
  intros L X. set (X2 := sum K (fun j => x j ^ 2)) in *. set (r := sqrt X2).
  assert (R : 0 < r) by (apply sqrt_lt_R0; assumption).
  assert (E : r ^ 2 = X2) by (unfold r; simpl; rewrite Rmult_1_r; apply sqrt_sqrt; lra).
  set (m := lambda / r). assert (M : 0 < m) by (apply Rdiv_lt_0_compat; assumption).
  assert (V : Rmin (1/4) (lambda ^ 2 / X2) = (1 - best_A m) ^ 2 / 4).
  { replace (lambda ^ 2 / X2) with (m ^ 2) by (unfold m; rewrite <- E; field; lra).
    unfold best_A, Rmin, Rmax. destruct (Rle_dec (1/4) (m ^ 2)), (Rle_dec 0 (1 - 2 * m)); nra. }
  assert (Only : forall W, minimiser (fun W => L2_criterion lambda K W (half x 1)) [S n] W ->
    risk K W (half x 1) = Rmin (1/4) (lambda ^ 2 / X2)).
  { intros W [HW HM]. destruct (attained lambda K n x r L R E) as (V0 & WV & EV). specialize (HM V0 WV). cbv beta in HM. rewrite EV in HM.
    pose proof (J2_lower lambda K (S n) W x r L R E HW) as B. cbv zeta in B. fold m in B, HM.
    rewrite V. unfold risk, half, total. cbn [fold_right weight input label].
    set (W0 := value K W (fun _ => 0)) in *. set (W1 := value K W x) in *.
    assert (Z1 : W1 - W0 - best_A m = 0).
    { assert (0 <= (W1 - W0 - best_A m) ^ 2) by apply pow2_ge_0. assert (0 <= (W0 - (1 - (W1 - W0)) / 2) ^ 2) by apply pow2_ge_0.
      assert (HZ : (W1 - W0 - best_A m) ^ 2 = 0) by lra. apply Rmult_integral in HZ. simpl in HZ. lra. }
    assert (Z2 : W0 - (1 - (W1 - W0)) / 2 = 0).
    { assert (0 <= (W1 - W0 - best_A m) ^ 2) by apply pow2_ge_0. assert (0 <= (W0 - (1 - (W1 - W0)) / 2) ^ 2) by apply pow2_ge_0.
      assert (HZ : (W0 - (1 - (W1 - W0)) / 2) ^ 2 = 0) by lra. apply Rmult_integral in HZ. simpl in HZ. lra. }
    replace W1 with (best_A m + W0) in * by lra. replace W0 with ((1 - best_A m) / 2) by lra. field. }
  exists 0. split; [split|split].
  - intros U _. unfold risk, half, total. cbn [fold_right weight input label].
    pose proof (pow2_ge_0 (value K U x - 1)). pose proof (pow2_ge_0 (value K U (fun _ => 0) - 0)). lra.
  - intros m' H. specialize (H (one_unit (fun j => x j / X2) 1 0 (S n)) eq_refl).
    unfold risk, half, total in H. cbn [fold_right weight input label] in H. rewrite !one_unit_value in H.
    assert (D0 : dot K (fun j => x j / X2) (fun _ => 0) = 0).
    { unfold dot. rewrite (sum_ext K _ (fun _ => 0)) by (intros; ring). apply sum_zero. }
    assert (D1 : dot K (fun j => x j / X2) x = 1).
    { unfold dot. rewrite (sum_ext K _ (fun j => / X2 * x j ^ 2)) by (intros; field; lra). rewrite sum_scale. fold X2. field. lra. }
    rewrite D0, D1, !relu_id in H by lra. lra.
  - destruct (attained lambda K n x r L R E) as (V0 & WV & EV). exists V0.
    assert (HM : minimiser (fun W => L2_criterion lambda K W (half x 1)) [S n] V0).
    { split; [assumption|]. intros U HU. rewrite EV. eapply Rle_trans; [|apply (J2_lower lambda K (S n) U x r L R E HU)].
      pose proof (pow2_ge_0 (value K U x - value K U (fun _ => 0) - best_A (lambda / r))).
      pose proof (pow2_ge_0 (value K U (fun _ => 0) - (1 - (value K U x - value K U (fun _ => 0))) / 2)). lra. }
    split; [assumption|]. rewrite (Only V0 HM). ring.
  - intros W HM. rewrite (Only W HM). lra.
Qed.
