(* No network does better than q^K / (2 (1 + q^K)) on P_(1,1). *)

From Dropout Require Import Definitions Expectations.

Lemma criterion_half q K W x y :
  criterion q K W (half x y)
  = (E q K W (fun Rs => (D q K W Rs x - y) ^ 2) + E q K W (fun Rs => D q K W Rs (fun _ => 0) ^ 2)) / 2.
Proof.
  unfold criterion, half, total. cbn [fold_right weight input label].
  rewrite (E_ext _ _ _ (fun Rs => (D q K W Rs (fun _ => 0) - 0) ^ 2) (fun Rs => D q K W Rs (fun _ => 0) ^ 2)) by (intros; ring).
  field.
Qed.

(* Jensen. *)
Lemma E_square_le q K W F c : rates q -> (E q K W F - c) ^ 2 <= E q K W (fun Rs => (F Rs - c) ^ 2).
Proof.
  intros Q. set (m := E q K W F).
  assert (H : 0 <= E q K W (fun Rs => (F Rs - m) ^ 2)) by (apply E_nonneg; [assumption | intros; apply pow2_ge_0]).
  rewrite (E_ext _ _ _ _ (fun Rs => (F Rs - c) ^ 2 + (-2 * (m - c)) * F Rs + (m ^ 2 - c ^ 2))) in H by (intros; ring).
  rewrite !E_plus, E_scale, E_const in H. fold m in H. nra.
Qed.

Lemma drop_none q n x i : drop q (repeat false n) x i = 0.
Proof.
  unfold drop. destruct (nth i (repeat false n) false) eqn:H; [|reflexivity].
  destruct (Nat.lt_ge_cases i n) as [L|L].
  - rewrite nth_repeat in H. discriminate.
  - rewrite nth_overflow in H by (rewrite repeat_length; lia). discriminate.
Qed.

Lemma drop_zero q r i : drop q r (fun _ => 0) i = 0.
Proof. unfold drop. destruct (nth i r false); unfold Rdiv; ring. Qed.

(* One mask, the one that drops everything. *)
Lemma expect_all_dropped q n F : 0 <= q <= 1 -> (forall r, 0 <= F r) -> q ^ n * F (repeat false n) <= expect q n F.
Proof.
  intros Q. revert F; induction n; intros F H; [rewrite expect_0; simpl; lra|].
  rewrite expect_S. simpl. specialize (IHn (fun r => F (false :: r)) (fun r => H _)). simpl in IHn.
  assert (0 <= expect q n (fun r => F (true :: r))) by (apply expect_nonneg; auto).
  apply Rle_trans with (q * expect q n (fun r => F (false :: r))); [rewrite Rmult_assoc; apply Rmult_le_compat_l; lra|].
  assert (0 <= (1 - q) * expect q n (fun r => F (true :: r))) by (apply Rmult_le_pos; lra). lra.
Qed.

(* The output on the input 0, whatever the first mask. *)
Lemma D_zero q K W r Rs : D q K W (r :: Rs) (fun _ => 0) = D q K W (repeat false K :: Rs) (fun _ => 0).
Proof.
  destruct W; simpl.
  - f_equal. apply sum_ext. intros. rewrite !drop_zero. reflexivity.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros. rewrite !drop_zero. reflexivity.
Qed.

Lemma D_all_dropped q K W Rs x : D q K W (repeat false K :: Rs) x = D q K W (repeat false K :: Rs) (fun _ => 0).
Proof.
  destruct W; simpl.
  - f_equal. apply sum_ext. intros. rewrite !drop_none. reflexivity.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros. rewrite !drop_none. reflexivity.
Qed.

Lemma E_first q K W F : E q K W F = expect (q O) K (fun r => E_rest q K W (fun Rs => F (r :: Rs))).
Proof. destruct W; [apply E_output | apply E_hidden]. Qed.

Lemma E_rest_ext q K W F G : (forall Rs, F Rs = G Rs) -> E_rest q K W F = E_rest q K W G.
Proof. destruct W; simpl; intros H; [apply H | apply E_ext, H]. Qed.

Lemma E_rest_nonneg q K W F : rates q -> (forall Rs, 0 <= F Rs) -> 0 <= E_rest q K W F.
Proof. destruct W; simpl; intros Q H; [apply H | apply E_nonneg; [intros l; apply Q | assumption]]. Qed.

Lemma E_rest_square_le q K W F c : rates q -> (E_rest q K W F - c) ^ 2 <= E_rest q K W (fun Rs => (F Rs - c) ^ 2).
Proof. destruct W; simpl E_rest; intros Q; [lra | apply E_square_le; intros l; apply Q]. Qed.

Theorem universal_bound q K W :
  rates q -> q O ^ K / (2 * (1 + q O ^ K)) <= criterion q K W (half ones 1).
Proof.
  intros Q. rewrite criterion_half. set (s := q O ^ K).
  assert (S : 0 <= s) by (apply pow_le, Q). assert (Q0 := Q O).
  set (G := fun Rs => D q K W (repeat false K :: Rs) (fun _ => 0)).
  set (m := E_rest q K W G).
  assert (A : s * (m - 1) ^ 2 <= E q K W (fun Rs => (D q K W Rs ones - 1) ^ 2)).
  { rewrite E_first. eapply Rle_trans; [|apply expect_all_dropped; [lra|]].
    - apply Rmult_le_compat_l; [assumption|].
      rewrite (E_rest_ext _ _ _ _ (fun Rs => (G Rs - 1) ^ 2)) by (intros; rewrite D_all_dropped; reflexivity).
      apply E_rest_square_le, Q.
    - intros r. apply E_rest_nonneg; [assumption|]. intros; apply pow2_ge_0. }
  assert (B : m ^ 2 <= E q K W (fun Rs => D q K W Rs (fun _ => 0) ^ 2)).
  { rewrite E_first. rewrite (expect_ext _ _ _ (fun _ => E_rest q K W (fun Rs => (G Rs - 0) ^ 2))).
    - rewrite expect_const. rewrite <- (Rminus_0_r m). apply E_rest_square_le, Q.
    - intros r _. apply E_rest_ext. intros Rs. rewrite D_zero. unfold G. ring. }
  apply Rle_trans with ((s * (m - 1) ^ 2 + m ^ 2) / 2); [|lra].
  apply (Rmult_le_reg_l (2 * (1 + s))); [lra|].
  replace (2 * (1 + s) * (s / (2 * (1 + s)))) with s by (field; lra).
  replace (2 * (1 + s) * ((s * (m - 1) ^ 2 + m ^ 2) / 2)) with (s + ((1 + s) * m - s) ^ 2) by field.
  pose proof (pow2_ge_0 ((1 + s) * m - s)). lra.
Qed.
