(* The mean over the last masks in closed form, the penalty decomposition, Theorems 19 and 20. *)

From Dropout Require Import Definitions Expectations Theorem_5.

Lemma linear_cons q n w h kept r :
  sum (S n) (fun i => w i * drop q (kept :: r) h i)
  = w O * (if kept then h O / (1 - q) else 0) + sum n (fun i => w (S i) * drop q r (fun i => h (S i)) i).
Proof. reflexivity. Qed.

(* E over one mask of a linear function, and of its square. *)
Lemma mean_linear q n w h b : q < 1 -> expect q n (fun r => sum n (fun i => w i * drop q r h i) + b) = dot n w h + b.
Proof.
  intros Q. unfold dot. revert w h b; induction n; intros; [apply expect_0|].
  rewrite expect_S. cbv beta.
  rewrite (expect_ext q n (fun r : mask => sum (S n) (fun i => w i * drop q (true :: r) h i) + b)
    (fun r : mask => sum n (fun i => w (S i) * drop q r (fun i => h (S i)) i) + (w O * (h O / (1 - q)) + b)))
    by (intros; rewrite linear_cons; ring).
  rewrite (expect_ext q n (fun r : mask => sum (S n) (fun i => w i * drop q (false :: r) h i) + b)
    (fun r : mask => sum n (fun i => w (S i) * drop q r (fun i => h (S i)) i) + b)) by (intros; rewrite linear_cons; ring).
  rewrite !(IHn (fun i => w (S i)) (fun i => h (S i))). cbn [sum]. field. lra.
Qed.

Lemma square_linear q n w h b :
  q < 1 -> expect q n (fun r => (sum n (fun i => w i * drop q r h i) + b) ^ 2)
  = (dot n w h + b) ^ 2 + q / (1 - q) * sum n (fun i => (w i * h i) ^ 2).
Proof.
  intros Q. unfold dot. revert w h b; induction n; intros; [rewrite expect_0; cbn [sum]; ring|].
  rewrite expect_S. cbv beta.
  rewrite (expect_ext q n (fun r : mask => (sum (S n) (fun i => w i * drop q (true :: r) h i) + b) ^ 2)
    (fun r : mask => (sum n (fun i => w (S i) * drop q r (fun i => h (S i)) i) + (w O * (h O / (1 - q)) + b)) ^ 2))
    by (intros; rewrite linear_cons; ring).
  rewrite (expect_ext q n (fun r : mask => (sum (S n) (fun i => w i * drop q (false :: r) h i) + b) ^ 2)
    (fun r : mask => (sum n (fun i => w (S i) * drop q r (fun i => h (S i)) i) + b) ^ 2)) by (intros; rewrite linear_cons; ring).
  rewrite !(IHn (fun i => w (S i)) (fun i => h (S i))). cbn [sum]. field. lra.
Qed.

Theorem last_layer q n w h b y :
  q < 1 -> expect q n (fun r => (sum n (fun i => w i * drop q r h i) + b - y) ^ 2)
  = (dot n w h + b - y) ^ 2 + q / (1 - q) * sum n (fun i => (w i * h i) ^ 2).
Proof.
  intros Q. replace (dot n w h + b - y) with (dot n w h + (b - y)) by ring. rewrite <- square_linear by assumption.
  apply expect_ext. intros; ring.
Qed.

(* ---- penalty decomposition ----------------------------------------------------------------------------------- *)

Lemma mean_square q K W F c : E q K W (fun Rs => (F Rs - c) ^ 2)
  = E q K W (fun Rs => F Rs ^ 2) - 2 * c * E q K W F + c ^ 2.
Proof.
  rewrite (E_ext _ _ _ _ (fun Rs => (F Rs ^ 2 + - (2 * c) * F Rs) + c ^ 2)) by (intros; ring).
  rewrite !E_plus, E_scale, E_const. ring.
Qed.

Lemma penalty_point q K W x y :
  penalty q K W (point x y) = E q K W (fun Rs => (D q K W Rs x - y) ^ 2) - (value K W x - y) ^ 2.
Proof. unfold penalty, criterion, risk, point, total. cbn [fold_right weight input label]. ring. Qed.

Theorem penalty_decomposition q K W x y :
  penalty q K W (point x y)
  = variance_D q K W x + (mean_D q K W x - value K W x) * (mean_D q K W x + value K W x - 2 * y).
Proof.
  rewrite penalty_point. unfold variance_D.
  rewrite !mean_square. unfold mean_D. ring.
Qed.

(* ---- Theorem 20 ---------------------------------------------------------------------------------------------- *)

Theorem theorem_20_formula q K W x y :
  let delta Rs := D q K W Rs x - value K W x in
  penalty q K W (point x y)
  = E q K W (fun Rs => delta Rs ^ 2) + 2 * (value K W x - y) * E q K W delta.
Proof.
  intros delta. unfold delta. rewrite penalty_point, !mean_square.
  rewrite (E_ext _ _ _ (fun Rs => _ - value K W x) (fun Rs => D q K W Rs x + - value K W x)) by (intros; ring).
  rewrite E_plus, E_const. ring.
Qed.

Theorem theorem_20 q y y' :
  0 < q < 1 -> y <> y' ->
  penalty (fun _ => q) 2 W_20 (point x_20 y) <> penalty (fun _ => q) 2 W_20 (point x_20 y').
Proof.
  intros Q Y H. rewrite !theorem_20_formula in H.
  assert (V : value 2 W_20 x_20 = 0).
  { simpl. unfold relu. rewrite Rmax_left by lra. ring. }
  rewrite V in H.
  assert (M : E (fun _ => q) 2 W_20 (fun Rs => D (fun _ => q) 2 W_20 Rs x_20 - 0) = q).
  { unfold W_20. rewrite E_hidden. unfold next. rewrite !expect_S, !expect_0, !E_output, !expect_S, !expect_0.
    simpl. unfold drop, next; simpl.
    assert (P : 0 < / (1 - q)) by (apply Rinv_0_lt_compat; lra).
    repeat match goal with |- context [relu ?t] =>
      first [ replace (relu t) with 0 by (unfold relu; rewrite Rmax_left; unfold Rdiv; lra)
            | replace (relu t) with t by (unfold relu; rewrite Rmax_right; unfold Rdiv; lra) ] end.
    field. lra. }
  rewrite M in H. nra.
Qed.

(* ---- Theorem 19 ---------------------------------------------------------------------------------------------- *)

Lemma sum_swap n m f : sum n (fun i => sum m (fun j => f i j)) = sum m (fun j => sum n (fun i => f i j)).
Proof.
  revert f; induction n; intros; simpl; [symmetry; apply sum_zero|]. rewrite IHn, <- sum_plus. reflexivity.
Qed.

(* A network without negative numbers is affine on inputs without negative numbers. *)
Lemma value_affine K W :
  nonnegative_weights K W -> nonnegative_biases W ->
  exists g c, nonnegative K g /\ 0 <= c /\ forall x, nonnegative K x -> value K W x = dot K g x + c.
Proof.
  revert K; induction W as [w b|n A b W IH]; intros K HW HB; simpl in *.
  - exists w, b. repeat split; auto.
  - destruct HW as [HA HW], HB as [Hb HB]. destruct (IH n HW HB) as (g & c & G & C & V).
    exists (fun j => sum n (fun i => g i * A i j)), (dot n g b + c). split; [|split].
    + intros j J. apply sum_nonneg. intros i I. apply Rmult_le_pos; auto.
    + apply Rplus_le_le_0_compat; [apply sum_nonneg; intros i I; apply Rmult_le_pos; auto | assumption].
    + intros x X. rewrite V by (intros i I; apply relu_nonneg).
      rewrite <- Rplus_assoc. f_equal. unfold dot.
      rewrite (sum_ext K _ (fun j => sum n (fun i => g i * A i j * x j))) by (intros; rewrite Rmult_comm, <- sum_scale; apply sum_ext; intros; ring).
      rewrite sum_swap, <- sum_plus. apply sum_ext. intros i I. rewrite relu_id.
      * rewrite Rmult_plus_distr_l, <- sum_scale. f_equal. apply sum_ext. intros; ring.
      * apply Rplus_le_le_0_compat; [apply sum_nonneg; intros j J; apply Rmult_le_pos; auto | auto].
Qed.

Lemma drop_nonneg q r K x : q < 1 -> nonnegative K x -> nonnegative K (drop q r x).
Proof.
  intros Q X i I. unfold drop. destruct (nth i r false); [|lra].
  apply Rmult_le_pos; [auto | apply Rlt_le, Rinv_0_lt_compat; lra].
Qed.

Theorem mean_nonnegative q K W x :
  rates q -> nonnegative_weights K W -> nonnegative_biases W -> nonnegative K x -> mean_D q K W x = value K W x.
Proof.
  intros Q HW HB X. unfold mean_D. revert q K x Q HW X; induction W as [w b|n A b W IH]; intros.
  - rewrite E_output. apply mean_linear. apply Q.
  - rewrite E_hidden. simpl hd; simpl tl. destruct (value_affine K (Hidden n A b W) HW HB) as (g & c & _ & _ & V).
    rewrite (expect_ext _ _ _ (fun r => sum K (fun j => g j * drop (q O) r x j) + c)).
    + rewrite V by assumption. apply mean_linear. apply Q.
    + intros r _. simpl. simpl in HW, HB. rewrite IH; [| tauto | intros l; apply Q | tauto | intros i I; apply relu_nonneg].
      change (value n W _) with (value K (Hidden n A b W) (drop (q O) r x)).
      apply V, drop_nonneg; [apply Q | assumption].
Qed.

Theorem theorem_19_nonnegative q K W x y :
  rates q -> nonnegative_weights K W -> nonnegative_biases W -> nonnegative K x ->
  0 <= penalty q K W (point x y).
Proof.
  intros. rewrite penalty_decomposition, mean_nonnegative by assumption.
  rewrite Rminus_diag_eq, Rmult_0_l, Rplus_0_r by reflexivity. apply E_nonneg; [assumption|].
  intros. apply pow2_ge_0.
Qed.
