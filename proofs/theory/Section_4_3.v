(* Section 4.3: half the mass on (0, 0), the rest on inputs with exactly k ones, in any mixture. *)

From Dropout Require Import Definitions Expectations Last_layer Every_network Theorem_18 Nonnegative_weights First_one Theorem_5
  Every_network_limit Theorems_4_and_6.
Require Import Bool Arith.
Close Scope nat_scope. Open Scope bool_scope. Open Scope R_scope.

(* ---- masks of inputs that are partly 0 -------------------------------------------------------------------------- *)

(* s says where the ones are; place s r puts the bits of r there, and false elsewhere. *)
Fixpoint place (s r : mask) : mask :=
  match s with
  | [] => []
  | true :: s' => hd false r :: place s' (tl r)
  | false :: s' => false :: place s' r
  end.

Lemma place_length s r : length (place s r) = length s.
Proof. revert r; induction s as [|[] s IH]; intros r; simpl; [reflexivity | f_equal; apply IH | f_equal; apply IH]. Qed.

Lemma place_meet s r t : length r = kept s -> length t = kept s -> place s (meet r t) = meet (place s r) (place s t).
Proof.
  revert r t; induction s as [|[] s IH]; intros r t R T; [reflexivity| |].
  - destruct r as [|k r], t as [|l t]; try discriminate. simpl. f_equal. apply IH; simpl in R, T; congruence.
  - simpl. f_equal. apply IH; assumption.
Qed.

Lemma place_join s r t : length r = kept s -> length t = kept s -> place s (join r t) = join (place s r) (place s t).
Proof.
  revert r t; induction s as [|[] s IH]; intros r t R T; [reflexivity| |].
  - destruct r as [|k r], t as [|l t]; try discriminate. simpl. f_equal. apply IH; simpl in R, T; congruence.
  - simpl. f_equal. apply IH; assumption.
Qed.

Lemma place_none s : place s (repeat false (kept s)) = repeat false (length s).
Proof. induction s as [|[] s IH]; simpl; [reflexivity | f_equal; exact IH | f_equal; exact IH]. Qed.

Lemma place_meet_self s r : meet (place s r) s = place s r.
Proof.
  revert r; induction s as [|[] s IH]; intros r; simpl; [reflexivity| |]; rewrite IH; [rewrite andb_true_r|]; reflexivity.
Qed.

Lemma alive_place s r : length r = kept s -> alive (place s r) = alive r.
Proof.
  unfold alive. revert r; induction s as [|[] s IH]; intros r R; simpl.
  - destruct r; [reflexivity | discriminate].
  - destruct r as [|k r]; [discriminate|]. simpl. rewrite IH by (simpl in R; congruence). reflexivity.
  - apply IH. exact R.
Qed.

Lemma meet_length r s : length r = length s -> length (meet r s) = length s.
Proof. revert s; induction r as [|k r IH]; intros [|l s]; simpl; intros R; try discriminate; [reflexivity | f_equal; apply IH; congruence]. Qed.

Lemma meet_twice r s : length r = length s -> meet (meet r s) s = meet r s.
Proof.
  revert s; induction r as [|k r IH]; intros [|l s]; simpl; intros R; try discriminate; [reflexivity|].
  f_equal; [destruct k, l; reflexivity | apply IH; congruence].
Qed.

(* What depends on the bits at the ones alone has the mean over the masks of the ones. *)
Lemma expect_place q s H :
  (forall r, length r = length s -> H r = H (meet r s)) ->
  expect q (length s) H = expect q (kept s) (fun r => H (place s r)).
Proof.
  revert H; induction s as [|k s IH]; intros H M; [reflexivity|].
  assert (B : forall b, (forall r, length r = length s -> H ((b && k) :: r) = H ((b && k) :: meet r s))).
  { intros b r R. specialize (M ((b && k) :: r)). simpl in M. rewrite <- andb_assoc, andb_diag in M. apply M. congruence. }
  simpl length. rewrite expect_S. destruct k; cbn [kept Nat.add].
  - rewrite expect_S. simpl in B. f_equal; f_equal.
    + apply (IH (fun r => H (true :: r))). intros r R. exact (B true r R).
    + apply (IH (fun r => H (false :: r))). intros r R. exact (B false r R).
  - simpl in B. rewrite (expect_ext q (length s) (fun r => H (true :: r)) (fun r => H (false :: r))).
    + rewrite (IH (fun r => H (false :: r))) by (intros r R; rewrite (B true r R) at 1; reflexivity).
      rewrite (expect_ext q (kept s) (fun r => H (place (false :: s) r)) (fun r => H (false :: place s r)))
        by (intros; reflexivity). ring.
    + intros r R. pose proof (M (true :: r)) as A. pose proof (M (false :: r)) as A'. simpl in A, A'.
      rewrite A, A' by congruence. reflexivity.
Qed.

Lemma supermodular_place s F : supermodular (length s) F -> supermodular (kept s) (fun r => F (place s r)).
Proof.
  intros H r t R T. rewrite place_meet, place_join by assumption. apply H; apply place_length.
Qed.

(* ---- one input with k ones -------------------------------------------------------------------------------------- *)

Definition at_ones (s : mask) (x : nat -> R) : Prop := forall i, (i < length s)%nat -> x i = if nth i s false then 1 else 0.

Lemma D_drop q K W r r' Rs x x' :
  (forall i, (i < K)%nat -> drop (q O) r x i = drop (q O) r' x' i) -> D q K W (r :: Rs) x = D q K W (r' :: Rs) x'.
Proof.
  intros H. destruct W; simpl.
  - f_equal. apply sum_ext. intros j J. rewrite H by assumption. reflexivity.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros j J. rewrite H by assumption. reflexivity.
Qed.

Lemma drop_at_ones q s x r i : at_ones s x -> length r = length s -> (i < length s)%nat ->
  drop q r x i = if nth i (meet r s) false then / (1 - q) else 0.
Proof.
  intros X R I. rewrite nth_meet by assumption. unfold drop. rewrite (X i I).
  destruct (nth i r false), (nth i s false); simpl; unfold Rdiv; ring.
Qed.

Lemma drop_meet q s x r i : at_ones s x -> length r = length s -> (i < length s)%nat ->
  drop q r x i = drop q (meet r s) x i.
Proof.
  intros X R I. rewrite (drop_at_ones q s x r), (drop_at_ones q s x (meet r s)), meet_twice;
    try assumption; try reflexivity. rewrite meet_length; [reflexivity | assumption].
Qed.

Lemma nonnegative_bound_at_ones q s W x :
  rates q -> nonnegative_weights (length s) W -> at_ones s x ->
  q O / (2 * (INR (kept s) * (1 - q O) + 2 * q O)) <= criterion q (length s) W (half x 1).
Proof.
  intros Q HW X. assert (Q0 := Q O). rewrite criterion_half. set (K := length s).
  assert (N1 : 0 <= E q K W (fun Rs => (D q K W Rs x - 1) ^ 2)) by (apply E_nonneg; [assumption | intros; apply pow2_ge_0]).
  assert (N2 : 0 <= E q K W (fun Rs => D q K W Rs (fun _ => 0) ^ 2)) by (apply E_nonneg; [assumption | intros; apply pow2_ge_0]).
  destruct (Rle_lt_or_eq_dec 0 (q O)) as [Qp|<-]; [lra| |unfold Rdiv; rewrite Rmult_0_l; lra].
  set (F := fun r => E_rest q K W (fun Rs => D q K W (r :: Rs) x)).
  assert (S : supermodular K F).
  { apply supermodular_output; [assumption | assumption|]. intros i I. rewrite (X i I). destruct (nth i s false); lra. }
  assert (A : expect (q O) K (fun r => (F r - 1) ^ 2) <= E q K W (fun Rs => (D q K W Rs x - 1) ^ 2)).
  { rewrite E_first. apply expect_le; [lra|]. intros r _. apply E_rest_square_le, Q. }
  assert (B : F (repeat false K) ^ 2 <= E q K W (fun Rs => D q K W Rs (fun _ => 0) ^ 2)).
  { rewrite E_first. rewrite (expect_ext _ _ _ (fun _ => E_rest q K W (fun Rs => (D q K W (repeat false K :: Rs) x - 0) ^ 2))).
    - rewrite expect_const. rewrite <- (Rminus_0_r (F _)). apply E_rest_square_le, Q.
    - intros r _. apply E_rest_ext. intros Rs. rewrite D_zero, <- (D_all_dropped q K W Rs x). ring. }
  assert (M : forall r, length r = K -> F r = F (meet r s)).
  { intros r L. apply E_rest_ext. intros Rs. apply D_drop. intros i I. apply drop_meet; assumption. }
  pose proof (supermodular_bound (q O) (kept s) _ ltac:(lra) (supermodular_place s F S)) as C. cbv beta in C.
  rewrite place_none in C. fold K in C.
  pose proof (expect_place (q O) s (fun r => (F r - 1) ^ 2)) as P. cbv beta in P. fold K in P.
  rewrite P in A by (intros r L; rewrite (M r L) at 1; reflexivity). clear P.
  assert (P : 0 < INR (kept s) * (1 - q O) + 2 * q O) by (pose proof (pos_INR (kept s)); nra).
  replace (q O / (2 * (INR (kept s) * (1 - q O) + 2 * q O))) with (q O / (INR (kept s) * (1 - q O) + 2 * q O) / 2) by (field; lra).
  lra.
Qed.

Lemma gadget_at_ones q n s x r :
  q < 1 -> (0 < length s)%nat -> at_ones s x -> length r = length s ->
  let K := length s in
  sum n (gadget K n (drop q r x)) = (if alive (meet r s) then INR (n / K) / (1 - q) else 0)
  /\ sum n (fun i => gadget K n (drop q r x) i ^ 2) = (if alive (meet r s) then INR (n / K) / (1 - q) ^ 2 else 0).
Proof.
  intros Q HK X L K. assert (V : 0 < / (1 - q)) by (apply Rinv_0_lt_compat; lra).
  assert (Y : forall i, (i < K)%nat -> drop q r x i = if nth i (meet r s) false then / (1 - q) else 0)
    by (intros i I; apply drop_at_ones; assumption).
  assert (LM : length (meet r s) = K) by (apply meet_length, L).
  destruct (gadget_sums K n (/ (1 - q)) (drop q r x) HK) as [(Z & S & S2)|((i & I & Xi) & S & S2)]; [lra| | |].
  - intros i I. rewrite Y by assumption. destruct (nth i (meet r s) false); auto.
  - assert (A : alive (meet r s) = false).
    { destruct (alive (meet r s)) eqn:A; [|reflexivity]. apply alive_nth in A. destruct A as (i & I & N).
      specialize (Z i ltac:(lia)). rewrite Y, N in Z by lia. lra. }
    rewrite A. auto.
  - assert (A : alive (meet r s) = true).
    { apply alive_nth. exists i. split; [lia|]. rewrite Y in Xi by assumption.
      destruct (nth i (meet r s) false); [reflexivity | lra]. }
    rewrite A, S, S2. split; [unfold Rdiv; ring | field; lra].
Qed.

Lemma expect_alive_ones q s c : expect q (length s) (fun r => if alive (meet r s) then c else 0) = (1 - q ^ kept s) * c.
Proof.
  rewrite expect_place by (intros r R; rewrite meet_twice by assumption; reflexivity). rewrite <- expect_alive.
  apply expect_ext. intros r R. rewrite place_meet_self, alive_place by assumption. reflexivity.
Qed.

Lemma gadget_moments_at_ones q n ns c s x :
  rates q -> (0 < length s)%nat -> at_ones s x ->
  let K := length s in
  let m := INR (n / K) / (1 - q O) in
  let V := Hidden n (first_one K n) (fun _ => 0) (scale_output c (equal 1 ns)) in
  E q K V (fun Rs => D q K V Rs x) = (1 - q O ^ kept s) * (c * size ns * m)
  /\ E q K V (fun Rs => D q K V Rs x ^ 2)
     = (1 - q O ^ kept s) * (c ^ 2 * spread (next (next q)) ns * (m ^ 2 + noise (q 1%nat) * (m / (1 - q O)))).
Proof.
  intros Q HK X K m V. assert (Q0 := Q O). unfold V. split; rewrite E_hidden, <- expect_alive_ones; apply expect_ext; intros r L;
    cbn [D hd tl]; fold (gadget K n (drop (q O) r x));
    destruct (gadget_at_ones (q O) n s x r ltac:(lra) HK X L) as [S S2]; fold K in S, S2;
    rewrite (E_widths _ _ _ (equal 1 ns)) by apply scale_output_widths.
  - rewrite (E_ext _ _ _ _ (fun Rs => c * D (next q) n (equal 1 ns) Rs (gadget K n (drop (q O) r x))))
      by (intros; apply scale_output_D).
    rewrite E_scale, equal_mean, S by (try (intros l; apply Q); try lra; apply gadget_nonneg).
    rewrite pow1. unfold m. destruct (alive (meet r s)); ring.
  - rewrite (E_ext _ _ _ _ (fun Rs => c ^ 2 * D (next q) n (equal 1 ns) Rs (gadget K n (drop (q O) r x)) ^ 2))
      by (intros; change (fun i => relu _) with (gadget K n (drop (q O) r x)); rewrite scale_output_D; ring).
    rewrite E_scale, equal_square, S, S2 by (try (intros l; apply Q); try lra; apply gadget_nonneg).
    rewrite pow1. unfold m. change (next q 0%nat) with (q 1%nat). destruct (alive (meet r s)); field; lra.
Qed.

Lemma lemma_10_at_ones q n ns b s x :
  rates q -> (0 < length s)%nat -> at_ones s x -> (0 < n / length s)%nat -> Forall (lt 0) ns ->
  criterion q (length s) (best_W_neg q (length s) n ns b) (half x 1)
  = (b ^ 2 + (1 - b) ^ 2 * (1 - (1 - q O ^ kept s) / A_neg q (length s) n ns)) / 2.
Proof.
  intros Q HK X Hm Hns. unfold best_W_neg. set (K := length s) in *. set (A := A_neg q K n ns).
  set (M := size ns * (INR (n / K) / (1 - q O))). set (c := (1 - b) / (M * A)). rewrite criterion_half. f_equal.
  assert (Q0 := Q O). assert (P0 : 0 < INR (n / K)) by (apply lt_0_INR; assumption).
  assert (PM : 0 < M). { unfold M. apply Rmult_lt_0_compat; [apply size_pos, Hns | apply Rdiv_lt_0_compat; lra]. }
  assert (PA : 1 <= A).
  { unfold A, A_neg. assert (1 <= growth (next (next q)) ns) by (apply growth_ge_1; [intros l; apply Q | assumption]).
    assert (0 <= noise (q 1%nat) / INR (n / K)); [|nra].
    apply Rmult_le_pos; [apply noise_nonneg, Q | apply Rlt_le, Rinv_0_lt_compat; assumption]. }
  rewrite (E_ext _ _ _ (fun Rs => D q K _ Rs (fun _ => 0) ^ 2) (fun _ => b ^ 2)) by (intros; rewrite W_neg_zero_input by assumption; reflexivity).
  rewrite E_const. rewrite Rplus_comm. f_equal.
  set (V := Hidden n (first_one K n) (fun _ => 0) (scale_output c (equal 1 ns))).
  change (W_neg K n ns c b) with (add_bias b V).
  rewrite (E_widths _ _ _ V) by apply add_bias_widths.
  rewrite (E_ext _ _ _ _ (fun Rs => (D q K V Rs x - (1 - b)) ^ 2)) by (intros; rewrite add_bias_D; ring).
  rewrite mean_square. destruct (gadget_moments_at_ones q n ns c s x Q HK X) as [E1 E2]. fold K V in E1, E2. rewrite E1, E2.
  rewrite spread_growth by assumption.
  assert (G : (INR (n / K) / (1 - q O)) ^ 2 + noise (q 1%nat) * (INR (n / K) / (1 - q O) / (1 - q O))
              = (INR (n / K) / (1 - q O)) ^ 2 * (1 + noise (q 1%nat) / INR (n / K))) by (field; lra).
  rewrite G.
  transitivity ((1 - q O ^ kept s) * (c ^ 2 * M ^ 2 * A) - 2 * (1 - b) * ((1 - q O ^ kept s) * (c * M)) + (1 - b) ^ 2).
  - unfold A, A_neg, M. ring.
  - unfold c. field. lra.
Qed.

(* ---- mixtures --------------------------------------------------------------------------------------------------- *)

Lemma ones_placed K x : (forall i, (i < K)%nat -> x i = 0 \/ x i = 1) ->
  exists s, length s = K /\ at_ones s x /\ INR (kept s) = sum K x.
Proof.
  revert x; induction K as [|K IH]; intros x H; [exists []; repeat split; intros i I; simpl in I; lia|].
  destruct (IH (fun i => x (S i))) as (s & L & A & N); [intros i I; apply H; lia|].
  destruct (H O ltac:(lia)) as [Z|Z]; [exists (false :: s) | exists (true :: s)]; (split; [simpl; congruence|]); split.
  - intros [|i] I; simpl in *; [assumption | apply (A i); lia].
  - simpl. rewrite N, Z. ring.
  - intros [|i] I; simpl in *; [assumption | apply (A i); lia].
  - cbn [kept sum]. rewrite Z, plus_INR, N. simpl. ring.
Qed.

Lemma mixture_criterion q K W l :
  total l weight = 1/2 -> (forall e, In e l -> label e = 1) ->
  criterion q K W (Example (1/2) (fun _ => 0) 0 :: l) = total l (fun e => 2 * weight e * criterion q K W (half (input e) 1)).
Proof.
  intros T H. set (z := E q K W (fun Rs => D q K W Rs (fun _ => 0) ^ 2)).
  rewrite (total_ext l _ (fun e => weight e * E q K W (fun Rs => (D q K W Rs (input e) - label e) ^ 2) + z * weight e)).
  - rewrite total_plus, total_scale, T. unfold criterion. rewrite total_cons. cbn [weight input label].
    rewrite (E_ext _ _ _ (fun Rs => (D q K W Rs (fun _ => 0) - 0) ^ 2) (fun Rs => D q K W Rs (fun _ => 0) ^ 2)) by (intros; ring).
    fold z. ring.
  - intros e I. rewrite criterion_half, (H e I). fold z. field.
Qed.

(* A bound for each input with k ones is one for their mixtures. *)
Lemma mixture_bounds q K k W P lo hi :
  mixture_of_ones K k P ->
  (forall s x, length s = K -> kept s = k -> at_ones s x -> lo <= criterion q K W (half x 1) <= hi) ->
  lo <= criterion q K W P <= hi.
Proof.
  intros (l & -> & T & H) B. rewrite mixture_criterion by (try exact T; intros e I; apply (H e I)).
  assert (T2 : forall c, total l (fun e => 2 * weight e * c) = c).
  { intros c. rewrite (total_ext l _ (fun e => (2 * c) * weight e)) by (intros; ring). rewrite total_scale, T. field. }
  assert (C : forall e, In e l -> lo <= criterion q K W (half (input e) 1) <= hi).
  { intros e I. destruct (H e I) as (_ & _ & Z & N). destruct (ones_placed K (input e) Z) as (s & L & A & M).
    apply (B s); [assumption | apply INR_eq; congruence | assumption]. }
  split; [rewrite <- (T2 lo) | rewrite <- (T2 hi)]; apply total_le; intros e I; apply Rmult_le_compat_l;
    try apply (C e I); pose proof (proj1 (H e I)); lra.
Qed.

Theorem section_4_3_nonnegative q K k W P :
  rates q -> nonnegative_weights K W -> mixture_of_ones K k P ->
  q O / (2 * (INR k * (1 - q O) + 2 * q O)) <= criterion q K W P.
Proof.
  intros Q HW (l & -> & T & H). rewrite mixture_criterion by (try exact T; intros e I; apply (H e I)).
  set (lo := q O / _). replace lo with (total l (fun e => 2 * weight e * lo)).
  - apply total_le. intros e I. destruct (H e I) as (N & _ & Z & M). apply Rmult_le_compat_l; [lra|].
    destruct (ones_placed K (input e) Z) as (s & L & A & C). subst K.
    assert (E : kept s = k) by (apply INR_eq; congruence). unfold lo. rewrite <- E.
    apply nonnegative_bound_at_ones; assumption.
  - rewrite (total_ext l _ (fun e => (2 * lo) * weight e)) by (intros; ring). rewrite total_scale, T. field.
Qed.

Theorem section_4_3_limit q K k d eps :
  0 < q < 1 -> (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat ->
  let V := best_W_neg (fun _ => q) K n (repeat n (d - 2)) (q ^ k / (1 + q ^ k)) in
  widths V = repeat n (d - 1) /\
  forall P, mixture_of_ones K k P ->
  q ^ k / (2 * (1 + q ^ k)) <= criterion (fun _ => q) K V P <= q ^ k / (2 * (1 + q ^ k)) + eps.
Proof.
  intros Q HK Hd He. destruct (A_neg_near_1 q K d eps Q HK Hd He) as (n0 & H). exists n0. intros n Hn V.
  destruct (H n Hn) as (Pm & Pn & A1 & A2). split.
  { unfold V, best_W_neg. rewrite W_neg_widths. replace (d - 1)%nat with (S (d - 2)) by lia. reflexivity. }
  assert (Hns : Forall (lt 0) (repeat n (d - 2))) by (apply Forall_forall; intros a I; apply repeat_spec in I; lia).
  intros P HP. apply (mixture_bounds _ _ k); [assumption|]. intros s x L N X. subst K k.
  unfold V. rewrite (lemma_10_at_ones (fun _ => q) n _ _ s x); try assumption; [|intros l; lra].
  set (A := A_neg _ _ n (repeat n (d - 2))) in *. set (z := q ^ kept s).
  assert (Z0 : 0 < z) by (apply pow_lt; lra). assert (Z1 : z <= 1) by (unfold z; rewrite <- (pow1 (kept s)); apply pow_incr; lra).
  assert (IA1 : / A <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
  set (b := z / (1 + z)).
  assert (Id : z / (2 * (1 + z)) = (b ^ 2 + (1 - b) ^ 2 * z) / 2) by (unfold b; field; lra). rewrite Id.
  assert (B : 0 <= (1 - b) ^ 2 <= 1).
  { assert (0 <= b <= 1). { unfold b. split; [apply Rlt_le, Rdiv_lt_0_compat; lra|].
      apply (Rmult_le_reg_r (1 + z)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
    split; [apply pow2_ge_0 | nra]. }
  set (t := 1 - (1 - z) / A). assert (Tz : z <= t <= z + eps). { unfold t, Rdiv. split; nra. }
  assert ((1 - b) ^ 2 * z <= (1 - b) ^ 2 * t) by (apply Rmult_le_compat_l; lra).
  assert ((1 - b) ^ 2 * t <= (1 - b) ^ 2 * (z + eps)) by (apply Rmult_le_compat_l; lra).
  assert ((1 - b) ^ 2 * eps <= 1 * eps) by (apply Rmult_le_compat_r; lra). lra.
Qed.

(* One network beats every network without negative weights on every mixture. *)
Theorem section_4_3 q K k d :
  0 < q < 1 -> (2 <= k)%nat -> (0 < K)%nat -> (2 <= d)%nat ->
  exists n0, forall n, (n0 <= n)%nat ->
  exists V, widths V = repeat n (d - 1) /\
    forall P W, mixture_of_ones K k P -> nonnegative_weights K W -> criterion (fun _ => q) K V P < criterion (fun _ => q) K W P.
Proof.
  intros Q Hk HK Hd. set (lo := q / (2 * (INR k * (1 - q) + 2 * q))). set (up := q ^ k / (2 * (1 + q ^ k))).
  assert (Gap : up < lo).
  { pose proof (rates_gap k q Hk Q) as G. assert (Z : 0 < q ^ k) by (apply pow_lt; lra). pose proof (pos_INR k).
    assert (Pk : 0 < INR k * (1 - q) + 2 * q) by nra. unfold up, lo.
    apply (Rmult_lt_reg_r (2 * (1 + q ^ k) * (INR k * (1 - q) + 2 * q))); [nra|].
    replace (q ^ k / (2 * (1 + q ^ k)) * (2 * (1 + q ^ k) * (INR k * (1 - q) + 2 * q)))
      with (q ^ k * (INR k * (1 - q) + q) + q ^ k * q) by (field; lra).
    replace (q / (2 * (INR k * (1 - q) + 2 * q)) * (2 * (1 + q ^ k) * (INR k * (1 - q) + 2 * q)))
      with (q + q ^ k * q) by (field; lra). lra. }
  destruct (section_4_3_limit q K k d ((lo - up) / 2) Q HK Hd ltac:(lra)) as (n0 & H). exists n0. intros n Hn.
  destruct (H n Hn) as [VW B]. eexists. split; [exact VW|]. intros P W HP HW. specialize (B P HP).
  pose proof (section_4_3_nonnegative (fun _ => q) K k W P ltac:(intros l; lra) HW HP) as N. cbv beta in N. fold lo in N.
  fold up in B. lra.
Qed.

(* The paper's constants: q = 1/2 and pairs. *)
Theorem section_4_3_pairs K d eps :
  (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  (forall W P, mixture_of_ones K 2 P -> nonnegative_weights K W -> 1/8 <= criterion (fun _ => 1/2) K W P)
  /\ exists n0, forall n, (n0 <= n)%nat -> forall P, mixture_of_ones K 2 P ->
  criterion (fun _ => 1/2) K (best_W_neg (fun _ => 1/2) K n (repeat n (d - 2)) (1/5)) P <= 1/10 + eps.
Proof.
  intros HK Hd He. split.
  - intros W P HP HW. pose proof (section_4_3_nonnegative (fun _ => 1/2) K 2 W P ltac:(intros l; lra) HW HP) as N.
    cbv beta in N. replace (INR 2) with 2 in N by (simpl; ring).
    replace (1 / 2 / (2 * (2 * (1 - 1 / 2) + 2 * (1 / 2)))) with (1/8) in N by field. exact N.
  - destruct (section_4_3_limit (1/2) K 2 d eps ltac:(lra) HK Hd He) as (n0 & H). exists n0. intros n Hn P HP.
    destruct (H n Hn) as [_ B]. specialize (B P HP).
    replace ((1/2) ^ 2 / (1 + (1/2) ^ 2)) with (1/5) in B by field.
    replace ((1/2) ^ 2 / (2 * (1 + (1/2) ^ 2))) with (1/10) in B by field. apply B.
Qed.
