(* Theorem 5: rescaling the layers. *)

From Dropout Require Import Definitions Expectations.

Lemma rescale_widths C c W : widths (rescale_from C c W) = widths W.
Proof. revert C c; induction W; intros; simpl; [|rewrite IHW]; reflexivity. Qed.

Lemma rescale_layer q r K C c (a x : nat -> R) b :
  sum K (fun j => c * a j * drop q r (fun i => C * x i) j) + C * c * b
  = C * c * (sum K (fun j => a j * drop q r x j) + b).
Proof.
  rewrite Rmult_plus_distr_l, <- sum_scale. f_equal. apply sum_ext. intros. rewrite drop_scale. ring.
Qed.

Lemma rescale_D_from q K W Rs C c x :
  0 < C -> (forall l, 0 < c l) ->
  D q K (rescale_from C c W) Rs (fun i => C * x i) = C * product (depth W) c * D q K W Rs x.
Proof.
  revert q K Rs C c x; induction W; intros q K Rs C c x HC Hc; cbn -[sum product].
  - rewrite rescale_layer. simpl. ring.
  - rewrite (D_ext _ _ _ _ _ (fun i => C * c O * relu (sum K (fun j => A i j * drop (q O) (hd [] Rs) x j) + b i))).
    + rewrite IHW; [unfold depth, next; simpl; ring | apply Rmult_lt_0_compat; auto | intros; apply Hc].
    + intros i _. rewrite rescale_layer, relu_scale; [reflexivity|].
      apply Rlt_le, Rmult_lt_0_compat; auto.
Qed.

Theorem rescale_D q K W Rs c x :
  (forall l, 0 < c l) -> D q K (rescale c W) Rs x = product (depth W) c * D q K W Rs x.
Proof.
  intros Hc. rewrite <- (Rmult_1_l (product _ _)), <- rescale_D_from by (auto; lra).
  apply D_ext. intros; ring.
Qed.

(* W(x) = D(W, x, everything kept) at q = 0. *)
Definition keep_all (K : nat) (W : network) : pattern := map (repeat true) (K :: widths W).

Lemma value_D K W x : value K W x = D (fun _ => 0) K W (keep_all K W) x.
Proof.
  assert (P : forall n (u : nat -> R) i, (i < n)%nat -> drop 0 (repeat true n) u i = u i).
  { intros n u i H. unfold drop. rewrite (nth_indep _ false true) by (rewrite repeat_length; lia).
    rewrite nth_repeat. field. }
  revert K x; induction W; intros; simpl.
  - f_equal. apply sum_ext. intros. rewrite P; auto.
  - unfold keep_all in IHW. simpl in IHW. rewrite IHW.
    change (next (fun _ => 0)) with (fun _ : nat => 0).
    apply D_ext. intros i _. do 2 f_equal. apply sum_ext. intros. rewrite P; auto.
Qed.

Theorem rescale_value K W c x : (forall l, 0 < c l) -> value K (rescale c W) x = product (depth W) c * value K W x.
Proof.
  intros. rewrite !value_D, <- rescale_D by assumption. unfold keep_all, rescale. rewrite rescale_widths. reflexivity.
Qed.

Theorem theorem_5 q K W c P :
  (forall l, 0 < c l) -> product (depth W) c = 1 ->
  criterion q K (rescale c W) P = criterion q K W P
  /\ risk K (rescale c W) P = risk K W P
  /\ penalty q K (rescale c W) P = penalty q K W P.
Proof.
  intros Hc H1.
  assert (J : criterion q K (rescale c W) P = criterion q K W P).
  { apply criterion_ext; [apply rescale_widths|]. intros. rewrite rescale_D, H1 by assumption. ring. }
  assert (R : risk K (rescale c W) P = risk K W P).
  { apply total_ext. intros e _. rewrite rescale_value, H1 by assumption. ring. }
  unfold penalty. rewrite J, R. auto.
Qed.
