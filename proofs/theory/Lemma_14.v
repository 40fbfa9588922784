(* Lemma 14: the mean output given the number of kept inputs has non-decreasing differences. *)

From Dropout Require Import Definitions Expectations Every_network Last_layer Nonnegative_weights.
Require Import Arith.
Close Scope nat_scope. Open Scope R_scope.

Definition level (n l : nat) (F : mask -> R) : R := total (level_masks n l) F.

Lemma total_filter {T} (p : T -> bool) l f : total (filter p l) f = total l (fun a => if p a then f a else 0).
Proof. unfold total. induction l as [|a l IH]; cbn [filter fold_right]; [reflexivity|]. destruct (p a); cbn [fold_right]; rewrite IH; ring. Qed.

Lemma level_0 F : level 0 0 F = F [].
Proof. unfold level, level_masks, total. simpl. ring. Qed.

Lemma level_0_S l F : level 0 (S l) F = 0.
Proof. reflexivity. Qed.

Lemma level_S_0 n F : level (S n) 0 F = level n 0 (fun r => F (false :: r)).
Proof.
  unfold level, level_masks. rewrite !total_filter. cbn [masks]. rewrite total_app, !total_map. cbn [kept].
  rewrite (total_ext _ _ (fun _ => 0 * 0)) by (intros; simpl; ring). rewrite total_scale. simpl. ring.
Qed.

Lemma level_S_S n l F : level (S n) (S l) F = level n l (fun r => F (true :: r)) + level n (S l) (fun r => F (false :: r)).
Proof. unfold level, level_masks. rewrite !total_filter. cbn [masks]. rewrite total_app, !total_map. reflexivity. Qed.

Lemma level_minus n l F G : level n l (fun r => F r - G r) = level n l F - level n l G.
Proof. unfold level. rewrite (total_ext _ _ (fun r => F r + -1 * G r)) by (intros; ring). rewrite total_plus, total_scale. ring. Qed.

(* The sums of first and second differences: over i and over ordered pairs i, j, and masks that keep l others. *)
Fixpoint first (n l : nat) (F : mask -> R) : R :=
  match n with
  | O => 0
  | S m => level m l (fun r => F (true :: r) - F (false :: r)) + first m l (fun r => F (false :: r))
           + match l with O => 0 | S k => first m k (fun r => F (true :: r)) end
  end.

Fixpoint second (n l : nat) (F : mask -> R) : R :=
  match n with
  | O => 0
  | S m => 2 * first m l (fun r => F (true :: r) - F (false :: r)) + second m l (fun r => F (false :: r))
           + match l with O => 0 | S k => second m k (fun r => F (true :: r)) end
  end.

Lemma level_high n l F : (n < l)%nat -> level n l F = 0.
Proof.
  revert l F; induction n; intros [|l] F H; try lia; [reflexivity|]. rewrite level_S_S, !IHn by lia. ring.
Qed.

Lemma first_minus n l F G : first n l (fun r => F r - G r) = first n l F - first n l G.
Proof.
  revert l F G; induction n; intros l F G; cbn [first]; [ring|].
  rewrite (IHn l (fun r => F (false :: r))).
  replace (level n l (fun r => F (true :: r) - G (true :: r) - (F (false :: r) - G (false :: r))))
    with (level n l (fun r => F (true :: r) - F (false :: r)) - level n l (fun r => G (true :: r) - G (false :: r)))
    by (rewrite <- level_minus; f_equal; extensionality r; ring).
  destruct l as [|k]; [ring|]. rewrite (IHn k (fun r => F (true :: r))). ring.
Qed.

Lemma first_is n l F : first n l F = INR (S l) * level n (S l) F - (INR n - INR l) * level n l F.
Proof.
  revert l F; induction n; intros l F; cbn [first].
  - destruct l; [rewrite level_0, level_0_S; simpl; ring | rewrite !level_0_S; ring].
  - rewrite IHn, level_minus, level_S_S, !S_INR. destruct l as [|k].
    + rewrite level_S_0. simpl. ring.
    + rewrite IHn, level_S_S, !S_INR. ring.
Qed.

Lemma second_is n l F : second n l F = INR (S l) * first n (S l) F - (INR n - 1 - INR l) * first n l F.
Proof.
  revert l F; induction n; intros l F; cbn [second].
  - cbn [first]. ring.
  - rewrite IHn, first_minus. cbn [first]. rewrite !level_minus, !S_INR.
    assert (I := first_is n l (fun r => F (true :: r))). assert (J := first_is n l (fun r => F (false :: r))).
    rewrite S_INR in I, J. destruct l as [|k].
    + rewrite I, J. simpl. ring.
    + rewrite IHn, !S_INR in *. rewrite I, J. ring.
Qed.

Lemma level_nonneg n l F : (forall r, length r = n -> 0 <= F r) -> 0 <= level n l F.
Proof.
  intros H. unfold level, level_masks. rewrite total_filter. apply total_nonneg. intros r I. specialize (H r (masks_length n r I)). destruct (Nat.eqb _ _); lra.
Qed.

Lemma first_nonneg n l G : nondecreasing n G -> 0 <= first n l G.
Proof.
  revert l G; induction n; intros l G H; cbn [first]; [lra|].
  assert (0 <= level n l (fun r => G (true :: r) - G (false :: r))).
  { apply level_nonneg. intros r L. enough (G (false :: r) <= G (true :: r)) by lra.
    apply H; simpl; try congruence. destruct (below_refl r) as [M J]. split; simpl; rewrite ?M, ?J; reflexivity. }
  assert (I : forall k l, 0 <= first n l (fun r => G (k :: r))).
  { intros k l'. apply IHn. intros r s L L' B. apply H; simpl; try congruence. apply below_cons, B. }
  pose proof (I false l). destruct l as [|k]; [lra|]. pose proof (I true k). lra.
Qed.

Lemma second_nonneg n l F : supermodular n F -> 0 <= second n l F.
Proof.
  revert l F; induction n; intros l F H; cbn [second]; [lra|].
  assert (0 <= first n l (fun r => F (true :: r) - F (false :: r))).
  { apply first_nonneg. intros r s L L' [M J]. specialize (H (true :: r) (false :: s)). simpl in H. rewrite M, J in H.
    assert (F (true :: r) + F (false :: s) <= F (false :: r) + F (true :: s)) by (apply H; congruence). lra. }
  pose proof (IHn l _ (supermodular_cons n F false H)).
  destruct l as [|k]; [lra|]. pose proof (IHn k _ (supermodular_cons n F true H)). lra.
Qed.

Lemma level_count n l : level n l (fun _ => 1) = INR (length (level_masks n l)).
Proof.
  unfold level, total. induction (level_masks n l); cbn [fold_right length]; [reflexivity|]. rewrite S_INR, IHl0. ring.
Qed.

Lemma first_const n l : first n l (fun _ => 1) = 0.
Proof.
  revert l; induction n; intros l; cbn [first]; [reflexivity|]. rewrite level_minus, IHn. destruct l; [ring | rewrite IHn; ring].
Qed.

Lemma count_pos n l : (l <= n)%nat -> 0 < INR (length (level_masks n l)).
Proof.
  rewrite <- level_count. revert l; induction n; intros l H.
  - replace l with O by lia. rewrite level_0. lra.
  - destruct l as [|l]; [rewrite level_S_0; apply IHn; lia|]. rewrite level_S_S.
    assert (0 < level n l (fun _ => 1)) by (apply IHn; lia).
    assert (0 <= level n (S l) (fun _ => 1)) by (apply level_nonneg; intros; lra). lra.
Qed.

Theorem supermodular_differences n l F :
  supermodular n F -> (l + 2 <= n)%nat ->
  mean_given_kept n (S l) F - mean_given_kept n l F <= mean_given_kept n (S (S l)) F - mean_given_kept n (S l) F.
Proof.
  intros H Hl. unfold mean_given_kept.
  assert (P0 := count_pos n l ltac:(lia)). assert (P1 := count_pos n (S l) ltac:(lia)). assert (P2 := count_pos n (S (S l)) ltac:(lia)).
  assert (C0 := first_const n l). assert (C1 := first_const n (S l)). rewrite first_is, !level_count in C0, C1.
  assert (S2 := second_nonneg n l F H). rewrite second_is, !first_is in S2. unfold level in S2.
  set (c0 := INR (length (level_masks n l))) in *. set (c1 := INR (length (level_masks n (S l)))) in *. set (c2 := INR (length (level_masks n (S (S l))))) in *.
  set (t0 := total (level_masks n l) F) in *. set (t1 := total (level_masks n (S l)) F) in *. set (t2 := total (level_masks n (S (S l))) F) in *.
  rewrite !S_INR in *. set (L := INR l) in *. set (N := INR n) in *.
  assert (LN : L + 2 <= N). { apply le_INR in Hl. rewrite plus_INR in Hl. simpl in Hl. fold L N in Hl. lra. }
  assert (L0 : 0 <= L) by apply pos_INR.
  (* t_k = c_k psi_k *)
  assert (X0 : t0 = c0 * (t0 / c0)) by (field; lra). assert (X1 : t1 = c1 * (t1 / c1)) by (field; lra). assert (X2 : t2 = c2 * (t2 / c2)) by (field; lra).
  set (p0 := t0 / c0) in *. set (p1 := t1 / c1) in *. set (p2 := t2 / c2) in *.
  assert (E1 : (L + 1) * c1 = (N - L) * c0) by lra. assert (E2 : (L + 1 + 1) * c2 = (N - (L + 1)) * c1) by lra.
  assert (K : (L + 1) * ((L + 1 + 1) * t2 - (N - (L + 1)) * t1) - (N - 1 - L) * ((L + 1) * t1 - (N - L) * t0)
    = (N - (L + 1)) * (N - L) * c0 * (p2 - p1 - (p1 - p0))).
  { rewrite X0, X1, X2. transitivity ((L + 1) * (((L + 1 + 1) * c2) * p2 - (N - (L + 1)) * c1 * p1) - (N - 1 - L) * (((L + 1) * c1) * p1 - (N - L) * c0 * p0)); [ring|].
    rewrite E2. transitivity ((N - (L + 1)) * ((L + 1) * c1) * (p2 - p1) - (N - 1 - L) * (((L + 1) * c1) * p1 - (N - L) * c0 * p0)); [ring|]. rewrite E1. ring. }
  rewrite K in S2. apply Rnot_lt_le. intros Neg.
  assert (0 < (N - (L + 1)) * (N - L) * c0 * - (p2 - p1 - (p1 - p0))) by (repeat apply Rmult_lt_0_compat; lra). lra.
Qed.

(* psi l of the paper: the mean of D given that l of the K inputs are kept, over all masks of the hidden layers too. *)
Theorem lemma_14 q K W x l :
  rates q -> nonnegative_weights K W -> nonnegative K x -> (l + 2 <= K)%nat ->
  let psi l := mean_given_kept K l (fun r => E_rest q K W (fun Rs => D q K W (r :: Rs) x)) in
  psi (S l) - psi l <= psi (S (S l)) - psi (S l).
Proof. intros Q HW X L. apply supermodular_differences; [apply supermodular_output; assumption | assumption]. Qed.
