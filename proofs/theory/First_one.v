(* The first-one gadget (Lemmas 9 and 10) and Theorems 8 and 17 for every K >= 2 and every drop rate. *)

From Dropout Require Import Definitions Expectations Theorem_5 Last_layer Every_network Theorem_18 Nonnegative_weights Theorems_4_and_6.
Require Import Arith.
Close Scope nat_scope. Open Scope R_scope.

Lemma before_sum K k x :
  (k < K)%nat -> sum K (fun j => (if (j <? k)%nat then -1 else if (j =? k)%nat then 1 else 0) * x j) = x k - sum k x.
Proof.
  intros H. induction K; [lia|]. rewrite sum_last.
  destruct (Nat.eq_dec k K) as [->|N].
  - rewrite Nat.ltb_irrefl, Nat.eqb_refl. rewrite (sum_ext _ _ (fun j => -1 * x j)); [rewrite sum_scale; ring|].
    intros j J. apply Nat.ltb_lt in J. rewrite J. reflexivity.
  - rewrite IHK by lia. assert (F : (K <? k)%nat = false) by (apply Nat.ltb_ge; lia).
    assert (G : (K =? k)%nat = false) by (apply Nat.eqb_neq; lia). rewrite F, G. ring.
Qed.

Definition lead (x : nat -> R) (k : nat) : R := relu (x k - sum k x).

(* The units of one copy, on inputs that are 0 or v. *)
Lemma one_copy K v x :
  0 <= v -> (forall i, (i < K)%nat -> x i = 0 \/ x i = v) ->
  ((forall i, (i < K)%nat -> x i = 0) /\ sum K x = 0 /\ sum K (lead x) = 0 /\ sum K (fun k => lead x k ^ 2) = 0)
  \/ ((exists i, (i < K)%nat /\ x i = v) /\ v <= sum K x /\ sum K (lead x) = v /\ sum K (fun k => lead x k ^ 2) = v ^ 2).
Proof.
  intros V. induction K; intros H; [left; simpl; repeat split; auto; intros; lia|].
  destruct IHK as [(Z & S & F & G)|((i & I & Xi) & S & F & G)]; [intros; apply H; lia| |].
  - rewrite !sum_last. rewrite F, G. assert (FK : lead x K = x K). { unfold lead. rewrite S, Rminus_0_r. apply relu_id. destruct (H K) as [->| ->]; lia || lra. }
    rewrite FK. destruct (H K) as [E|E]; [lia| |]; rewrite E.
    + left. repeat split; try lra.
      intros i I. destruct (Nat.eq_dec i K) as [->|N]; [assumption | apply Z; lia].
    + right. repeat split; try lra. exists K. split; [lia | assumption].
  - right. rewrite !sum_last. rewrite F, G.
    assert (FK : lead x K = 0). { unfold lead, relu. apply Rmax_left. destruct (H K) as [->| ->]; lia || lra. }
    rewrite FK. repeat split; try lra.
    + exists i. split; [lia | assumption].
    + destruct (H K) as [->| ->]; lia || lra.
Qed.

Lemma sum_add n m f : sum (n + m) f = sum n f + sum m (fun i => f (n + i)%nat).
Proof. revert f; induction n; intros; simpl; [rewrite Rplus_0_l; reflexivity | rewrite IHn; simpl; ring]. Qed.

Lemma sum_copies K m f : (forall a k, (k < K)%nat -> f (a * K + k)%nat = f k) -> sum (m * K) f = INR m * sum K f.
Proof.
  intros H. induction m; [simpl; lra|]. replace (S m * K)%nat with (m * K + K)%nat by lia.
  rewrite sum_add, IHm, S_INR, (sum_ext K (fun i => f (m * K + i)%nat) f) by (intros; apply H; assumption). ring.
Qed.

Lemma gadget_sums K n v x :
  (0 < K)%nat -> 0 <= v -> (forall i, (i < K)%nat -> x i = 0 \/ x i = v) ->
  ((forall i, (i < K)%nat -> x i = 0) /\ sum n (gadget K n x) = 0 /\ sum n (fun i => gadget K n x i ^ 2) = 0)
  \/ ((exists i, (i < K)%nat /\ x i = v) /\ sum n (gadget K n x) = INR (n / K) * v
      /\ sum n (fun i => gadget K n x i ^ 2) = INR (n / K) * v ^ 2).
Proof.
  intros HK V H. set (f := lead x). set (m := (n / K)%nat).
  assert (G : forall a k, (a * K + k < m * K)%nat -> (k < K)%nat -> gadget K n x (a * K + k) = f k).
  { intros a k L Lk. unfold gadget, first_one. fold m. apply Nat.ltb_lt in L. rewrite L.
    replace ((a * K + k) mod K)%nat with k by (rewrite Nat.add_comm, Nat.mod_add by lia; symmetry; apply Nat.mod_small; lia).
    rewrite before_sum, Rplus_0_r by assumption. reflexivity. }
  assert (Z : forall i, (m * K <= i)%nat -> gadget K n x i = 0).
  { intros i L. unfold gadget, first_one. fold m. apply Nat.ltb_ge in L. rewrite L.
    rewrite (sum_ext _ _ (fun _ => 0)) by (intros; ring). rewrite sum_zero, Rplus_0_r. apply relu_id. lra. }
  assert (Hn : (m * K <= n)%nat) by (unfold m; rewrite Nat.mul_comm; apply Nat.mul_div_le; lia).
  assert (C : forall g : R -> R, g 0 = 0 -> sum n (fun i => g (gadget K n x i)) = INR m * sum K (fun k => g (f k))).
  { intros g g0. replace n with (m * K + (n - m * K))%nat at 1 by lia. rewrite sum_add.
    rewrite (sum_ext (n - m * K) _ (fun _ => 0)) by (intros; rewrite Z by lia; assumption). rewrite sum_zero, Rplus_0_r.
    rewrite (sum_ext _ _ (fun i => g (f (i mod K)%nat))).
    - rewrite (sum_copies K m (fun i => g (f (i mod K)%nat))).
      + f_equal. apply sum_ext. intros. rewrite Nat.mod_small by assumption. reflexivity.
      + intros a k L. do 2 f_equal. rewrite Nat.add_comm, Nat.mod_add by lia. reflexivity.
    - intros i I. f_equal. pose proof (Nat.div_mod i K ltac:(lia)) as D. rewrite D at 1.
      rewrite (Nat.mul_comm K). apply G; [|apply Nat.mod_upper_bound; lia]. rewrite (Nat.mul_comm _ K), <- D. assumption. }
  assert (C1 := C (fun t => t) eq_refl). assert (C2 := C (fun t => t ^ 2) ltac:(lra)). cbv beta in C1, C2.
  change (sum n (fun i => gadget K n x i)) with (sum n (gadget K n x)) in C1.
  destruct (one_copy K v x V H) as [(Z' & _ & F & F2)|(Ex & _ & F & F2)]; fold f in F, F2;
    change (sum K f) with (sum K (fun k => f k)) in F; rewrite F in C1; rewrite F2 in C2.
  - left. repeat split; [assumption | lra | lra].
  - right. repeat split; assumption.
Qed.

(* Lemma 10, the gadget: on every 0/1 input that is not 0 the first hidden layer sums to n / K. *)
Theorem lemma_10_gadget K n x :
  (0 < K)%nat -> (n mod K = 0)%nat ->
  (forall i, (i < K)%nat -> x i = 0 \/ x i = 1) -> (exists i, (i < K)%nat /\ x i = 1) ->
  sum n (gadget K n x) = INR n / INR K.
Proof.
  intros HK D H [i [I X]]. destruct (gadget_sums K n 1 x HK ltac:(lra) H) as [(Z & _)|(_ & S & _)].
  - rewrite Z in X by assumption. lra.
  - rewrite S. assert (INR K <> 0) by (apply not_0_INR; lia).
    replace (INR n) with (INR K * INR (n / K)); [field; assumption|].
    rewrite <- mult_INR. f_equal. pose proof (Nat.div_mod n K ltac:(lia)). lia.
Qed.

(* ---- the criterion of the gadget network ---------------------------------------------------------------------- *)

Lemma add_bias_widths b W : widths (add_bias b W) = widths W.
Proof. induction W; simpl; congruence. Qed.

Lemma add_bias_D q K b W Rs x : D q K (add_bias b W) Rs x = D q K W Rs x + b.
Proof. revert q K Rs x; induction W; intros; simpl; [ring | apply IHW]. Qed.

Lemma W_neg_widths K n ns c b : widths (W_neg K n ns c b) = n :: ns.
Proof. unfold W_neg. cbn [widths]. rewrite add_bias_widths, scale_output_widths, equal_widths. reflexivity. Qed.

Definition alive (r : mask) : bool := existsb (fun k => k) r.

Lemma alive_nth r : alive r = true <-> exists i, (i < length r)%nat /\ nth i r false = true.
Proof.
  unfold alive. rewrite existsb_exists. split.
  - intros (k & I & ->). destruct (In_nth r true false I) as (i & L & N). exists i; auto.
  - intros (i & L & N). exists true. split; [|reflexivity]. rewrite <- N. apply nth_In; assumption.
Qed.

Lemma expect_alive q n c : expect q n (fun r => if alive r then c else 0) = (1 - q ^ n) * c.
Proof.
  induction n; [rewrite expect_0; simpl; ring|]. rewrite expect_S.
  change (fun r => if alive (true :: r) then c else 0) with (fun _ : mask => c).
  change (fun r => if alive (false :: r) then c else 0) with (fun r => if alive r then c else 0).
  rewrite IHn, expect_const. simpl. ring.
Qed.

Lemma gadget_dropped q K n r :
  q < 1 -> (0 < K)%nat -> length r = K ->
  sum n (gadget K n (drop q r ones)) = (if alive r then INR (n / K) / (1 - q) else 0)
  /\ sum n (fun i => gadget K n (drop q r ones) i ^ 2) = (if alive r then INR (n / K) / (1 - q) ^ 2 else 0).
Proof.
  intros Q HK L. assert (V : 0 < / (1 - q)) by (apply Rinv_0_lt_compat; lra).
  assert (X : forall i, drop q r ones i = if nth i r false then / (1 - q) else 0).
  { intros i. unfold drop, ones. destruct (nth i r false); [unfold Rdiv; ring | reflexivity]. }
  destruct (gadget_sums K n (/ (1 - q)) (drop q r ones) HK) as [(Z & S & S2)|((i & I & Xi) & S & S2)]; [lra| | |].
  - intros i I. rewrite X. destruct (nth i r false); auto.
  - assert (A : alive r = false).
    { destruct (alive r) eqn:A; [|reflexivity]. apply alive_nth in A. destruct A as (i & I & N).
      specialize (Z i ltac:(lia)). rewrite X, N in Z. lra. }
    rewrite A. auto.
  - assert (A : alive r = true).
    { apply alive_nth. exists i. split; [lia|]. rewrite X in Xi. destruct (nth i r false); [reflexivity | lra]. }
    rewrite A, S, S2. split; [unfold Rdiv; ring | field; lra].
Qed.

Lemma gadget_nonneg K n x : nonnegative n (gadget K n x).
Proof. intros i _. apply relu_nonneg. Qed.

(* The mean and the mean square of the output without the bias. *)
Lemma gadget_moments q K n ns c :
  rates q -> (0 < K)%nat ->
  let m := INR (n / K) / (1 - q O) in
  let V := Hidden n (first_one K n) (fun _ => 0) (scale_output c (equal 1 ns)) in
  E q K V (fun Rs => D q K V Rs ones) = (1 - q O ^ K) * (c * size ns * m)
  /\ E q K V (fun Rs => D q K V Rs ones ^ 2)
     = (1 - q O ^ K) * (c ^ 2 * spread (next (next q)) ns * (m ^ 2 + noise (q 1%nat) * (m / (1 - q O)))).
Proof.
  intros Q HK m V. assert (Q0 := Q O). unfold V. split; rewrite E_hidden, <- expect_alive; apply expect_ext; intros r L;
    cbn [D hd tl]; fold (gadget K n (drop (q O) r ones));
    destruct (gadget_dropped (q O) K n r ltac:(lra) HK L) as [S S2];
    rewrite (E_widths _ _ _ (equal 1 ns)) by apply scale_output_widths.
  - rewrite (E_ext _ _ _ _ (fun Rs => c * D (next q) n (equal 1 ns) Rs (gadget K n (drop (q O) r ones))))
      by (intros; apply scale_output_D).
    rewrite E_scale, equal_mean, S by (try (intros l; apply Q); try lra; apply gadget_nonneg).
    rewrite pow1. unfold m. destruct (alive r); ring.
  - rewrite (E_ext _ _ _ _ (fun Rs => c ^ 2 * D (next q) n (equal 1 ns) Rs (gadget K n (drop (q O) r ones)) ^ 2))
      by (intros; change (fun i => relu _) with (gadget K n (drop (q O) r ones)); rewrite scale_output_D; ring).
    rewrite E_scale, equal_square, S, S2 by (try (intros l; apply Q); try lra; apply gadget_nonneg).
    rewrite pow1. unfold m. change (next q 0%nat) with (q 1%nat). destruct (alive r); field; lra.
Qed.

Lemma spread_growth q ns : Forall (lt 0) ns -> spread q ns = size ns ^ 2 * growth q ns.
Proof.
  revert q; induction ns as [|n ns IH]; intros q H; simpl; [ring|]. inversion H; subst.
  rewrite IH by assumption. assert (INR n <> 0) by (apply not_0_INR; lia). field. assumption.
Qed.

Lemma size_pos ns : Forall (lt 0) ns -> 0 < size ns.
Proof.
  induction ns; intros H; simpl; [lra|]. inversion H; subst. apply Rmult_lt_0_compat; [apply lt_0_INR; assumption | auto].
Qed.

Lemma growth_ge_1 q ns : rates q -> Forall (lt 0) ns -> 1 <= growth q ns.
Proof.
  revert q; induction ns as [|n ns IH]; intros q Q H; simpl; [lra|]. inversion H; subst.
  assert (1 <= growth (next q) ns) by (apply IH; [intros l; apply Q | assumption]).
  assert (0 <= noise (q O) / INR n); [|nra].
  apply Rmult_le_pos; [apply noise_nonneg, Q | apply Rlt_le, Rinv_0_lt_compat, lt_0_INR; assumption].
Qed.

Lemma W_neg_zero_input q K n ns c b Rs : (0 < K)%nat -> rates q -> D q K (W_neg K n ns c b) Rs (fun _ => 0) = b.
Proof.
  intros HK Q. unfold W_neg. cbn [D]. rewrite add_bias_D, scale_output_D.
  rewrite (D_ext _ _ _ _ _ (fun _ => 0)).
  - assert (Z : forall q K ns Rs, D q K (equal 1 ns) Rs (fun _ => 0) = 0).
    { clear. intros q K ns. revert q K; induction ns; intros; simpl.
      - rewrite (sum_ext _ _ (fun _ => 0)) by (intros; rewrite drop_zero; ring). rewrite sum_zero. ring.
      - transitivity (D (next q) a (equal 1 ns) (tl Rs) (fun _ => 0)); [|apply IHns]. apply D_ext. intros i _.
        rewrite (sum_ext _ _ (fun _ => 0)) by (intros; rewrite drop_zero; ring). rewrite sum_zero, Rplus_0_r. apply relu_id; lra. }
    rewrite Z. ring.
  - intros i _. rewrite (sum_ext _ _ (fun _ => 0)) by (intros; rewrite drop_zero; ring).
    rewrite sum_zero, Rplus_0_r. apply relu_id; lra.
Qed.

(* Lemma 10 with the corrected constant, all rates and widths, and any output bias b, at the output weight
   c = (1 - b) / (M A): J_D = (b^2 + (1 - b)^2 (1 - (1 - q^K) / A)) / 2. *)
Theorem lemma_10 q K n ns b :
  rates q -> (0 < K)%nat -> (0 < n / K)%nat -> Forall (lt 0) ns ->
  let A := A_neg q K n ns in
  let M := size ns * (INR (n / K) / (1 - q O)) in
  criterion q K (W_neg K n ns ((1 - b) / (M * A)) b) (half ones 1)
  = (b ^ 2 + (1 - b) ^ 2 * (1 - (1 - q O ^ K) / A)) / 2.
Proof.
  intros Q HK Hm Hns A M. set (c := (1 - b) / (M * A)). rewrite criterion_half. f_equal.
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
  rewrite (E_ext _ _ _ _ (fun Rs => (D q K V Rs ones - (1 - b)) ^ 2)) by (intros; rewrite add_bias_D; ring).
  rewrite mean_square. destruct (gadget_moments q K n ns c Q HK) as [E1 E2]. fold V in E1, E2. rewrite E1, E2.
  rewrite spread_growth by assumption.
  assert (G : (INR (n / K) / (1 - q O)) ^ 2 + noise (q 1%nat) * (INR (n / K) / (1 - q O) / (1 - q O))
              = (INR (n / K) / (1 - q O)) ^ 2 * (1 + noise (q 1%nat) / INR (n / K))) by (field; lra).
  rewrite G.
  transitivity ((1 - q O ^ K) * (c ^ 2 * M ^ 2 * A) - 2 * (1 - b) * ((1 - q O ^ K) * (c * M)) + (1 - b) ^ 2).
  - unfold A, A_neg, M. ring.
  - unfold c. field. lra.
Qed.


(* ---- Theorems 8 and 17 ----------------------------------------------------------------------------------------- *)

Lemma rates_gap K q : (2 <= K)%nat -> 0 < q < 1 -> q ^ K * (INR K * (1 - q) + q) < q.
Proof.
  intros HK Q. induction HK.
  - assert (0 < q * ((1 - q) * (1 - q))) by (repeat apply Rmult_lt_0_compat; lra). simpl. lra.
  - rewrite S_INR. simpl. assert (P : 0 < q ^ m) by (apply pow_lt; lra). assert (N := pos_INR m).
    assert (H : q * ((INR m + 1) * (1 - q) + q) <= INR m * (1 - q) + q).
    { assert (0 <= INR m * ((1 - q) * (1 - q))) by (repeat apply Rmult_le_pos; lra). lra. }
    apply (Rmult_le_compat_l (q ^ m)) in H; lra.
Qed.

Lemma bernoulli k t : 0 <= t <= 1 -> 1 - INR k * t <= (1 - t) ^ k.
Proof.
  intros T. induction k; [simpl; lra|]. rewrite S_INR. simpl.
  assert (0 <= INR k * t * t) by (repeat apply Rmult_le_pos; try lra; apply pos_INR). nra.
Qed.

Lemma growth_repeat q n k : (0 < n)%nat -> growth (fun _ => q) (repeat n k) = (1 + noise q / INR n) ^ k.
Proof. induction k; simpl; intros; [reflexivity|]. change (next (fun _ : nat => q)) with (fun _ : nat => q). rewrite IHk by assumption. reflexivity. Qed.

Theorem theorem_8 q K d :
  0 < q < 1 -> (2 <= K)%nat -> (2 <= d)%nat ->
  exists n0, forall n, (n0 <= n)%nat ->
  exists V, widths V = repeat n (d - 1) /\
    forall W, widths W = repeat n (d - 1) -> nonnegative_weights K W ->
    criterion (fun _ => q) K V (half ones 1) < criterion (fun _ => q) K W (half ones 1).
Proof.
  intros Q HK Hd. set (k := INR K * (1 - q) + q).
  assert (K2 : 2 <= INR K) by (apply (le_INR 2); assumption).
  assert (Pk : 0 < k) by (unfold k; nra).
  assert (Gap : 0 < q / k - q ^ K).
  { apply (Rmult_lt_reg_r k); [assumption|]. rewrite Rmult_0_l. unfold Rdiv. rewrite Rmult_minus_distr_r, Rmult_assoc, Rinv_l by lra.
    pose proof (rates_gap K q HK Q). fold k in H. lra. }
  set (eps := q / k - q ^ K) in *. assert (L0 : 0 < noise q) by (unfold noise; apply Rdiv_lt_0_compat; lra).
  destruct (archimed_cor1 (eps / (INR d * noise q + 1 + noise q + eps))) as (m0 & M0 & M1).
  { assert (0 < INR d) by (apply lt_0_INR; lia). apply Rdiv_lt_0_compat; [assumption|]. nra. }
  exists (m0 * K)%nat. intros n Hn.
  assert (Hm : (m0 <= n / K)%nat) by (apply Nat.div_le_lower_bound; lia).
  set (m := (n / K)%nat) in *. assert (Pm : (0 < m)%nat) by lia.
  assert (Rm : INR m0 <= INR m) by (apply le_INR; assumption).
  assert (Rm0 : 0 < INR m0) by (apply lt_0_INR; assumption).
  assert (mn : (m <= n)%nat) by (unfold m; apply Nat.div_le_upper_bound; nia).
  assert (Rmn : INR m <= INR n) by (apply le_INR; assumption).
  set (t := noise q / INR m). set (ns := repeat n (d - 2)).
  assert (Hns : Forall (lt 0) ns) by (apply Forall_forall; intros a I; apply repeat_spec in I; lia).
  assert (Q' : rates (fun _ => q)) by (intros l; lra).
  set (A := A_neg (fun _ => q) K n ns).
  assert (dd : INR d = INR (S (d - 2)) + 1) by (rewrite <- S_INR; f_equal; lia).
  (* t is small *)
  set (T := INR d * noise q + 1 + noise q + eps) in *.
  assert (PT : 0 < T). { unfold T. assert (0 <= INR d * noise q) by (apply Rmult_le_pos; [apply pos_INR | lra]). lra. }
  assert (T0 : T < eps * INR m).
  { apply Rlt_le_trans with (eps * INR m0); [|apply Rmult_le_compat_l; lra].
    apply (Rmult_lt_reg_r (/ INR m0)); [apply Rinv_0_lt_compat, Rm0|]. rewrite Rmult_assoc, Rinv_r by lra.
    apply (Rmult_lt_compat_l T) in M0; [|assumption]. replace (T * (eps / T)) with eps in M0 by (field; lra). lra. }
  assert (eps1 : eps < 1).
  { unfold eps. assert (0 < q ^ K) by (apply pow_lt; lra). assert (q / k <= 1); [|lra].
    apply (Rmult_le_reg_r k); [assumption|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. unfold k. nra. }
  assert (t0 : 0 <= t) by (apply Rlt_le, Rdiv_lt_0_compat; lra).
  assert (tm : t * INR m = noise q) by (unfold t; field; lra).
  assert (dt : INR d * t < eps).
  { apply (Rmult_lt_reg_r (INR m)); [lra|]. rewrite Rmult_assoc, tm. unfold T in T0. lra. }
  assert (t1 : t <= 1). { assert (2 <= INR d) by (apply (le_INR 2); assumption). nra. }
  (* 1 / A is near 1 *)
  assert (PA : 1 - INR d * t <= / A).
  { assert (S1 : 1 - INR d * t <= (1 - t) ^ S (d - 2)).
    { apply Rle_trans with (1 - INR (S (d - 2)) * t); [rewrite dd; lra | apply bernoulli; lra]. }
    eapply Rle_trans; [exact S1|].
    assert (IA : / A = / (1 + t) * (/ (1 + noise q / INR n)) ^ (d - 2)).
    { unfold A, A_neg, ns. change (next (next (fun _ : nat => q))) with (fun _ : nat => q). rewrite growth_repeat by lia. fold m t.
      rewrite Rinv_mult, pow_inv. reflexivity. }
    rewrite IA. simpl.
    assert (I1 : forall s, 0 <= s <= t -> 0 <= 1 - t <= / (1 + s)).
    { intros s Hs. split; [lra|]. apply (Rmult_le_reg_r (1 + s)); [lra|]. rewrite Rinv_l by lra. nra. }
    assert (sn : 0 <= noise q / INR n <= t).
    { split; [apply Rlt_le, Rdiv_lt_0_compat; lra|]. unfold t. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
    apply Rmult_le_compat; [lra | apply pow_le; lra | apply I1; lra | apply pow_incr, I1, sn]. }
  set (s2 := 1 - (1 - q ^ K) / A).
  assert (S2 : s2 < q / k).
  { unfold s2, Rdiv at 1. assert (0 < q ^ K) by (apply pow_lt; lra).
    assert (q ^ K < 1). { assert (eps <= q / k - q ^ K) by (unfold eps; lra). rewrite <- (pow1 K). apply Rle_lt_trans with (q ^ 1).
      - replace K with (1 + (K - 1))%nat by lia. rewrite pow_add. assert (q ^ (K - 1) <= 1) by (rewrite <- (pow1 (K - 1)); apply pow_incr; lra). simpl; nra.
      - rewrite pow1. simpl; lra. }
    assert ((1 - q ^ K) * (1 - INR d * t) <= (1 - q ^ K) * / A) by (apply Rmult_le_compat_l; lra).
    assert (0 <= INR d * t) by (apply Rmult_le_pos; [apply pos_INR | lra]).
    unfold eps in dt. nra. }
  assert (S0 : 0 <= s2).
  { unfold s2. assert (0 < q ^ K) by (apply pow_lt; lra). assert (1 <= A).
    { unfold A, A_neg. assert (1 <= growth (next (next (fun _ => q))) ns) by (apply growth_ge_1; [intros l; unfold next; lra | assumption]).
      fold m t. nra. }
    assert (/ A <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
    assert (0 < / A) by (apply Rinv_0_lt_compat; lra). unfold Rdiv. nra. }
  set (b := s2 / (1 + s2)).
  exists (W_neg K n ns ((1 - b) / (size ns * (INR (n / K) / (1 - q)) * A)) b). split.
  { rewrite W_neg_widths. unfold ns. replace (d - 1)%nat with (S (d - 2)) by lia. reflexivity. }
  intros W HW Wn. eapply Rlt_le_trans; [|apply nonnegative_bound; assumption].
  pose proof (lemma_10 (fun _ => q) K n ns b Q' ltac:(lia) Pm Hns) as J. cbv zeta beta in J. fold A in J. rewrite J. fold s2.
  replace ((b ^ 2 + (1 - b) ^ 2 * s2) / 2) with (s2 / (1 + s2) / 2) by (unfold b; field; lra).
  assert (Pd : 0 < INR K * (1 - q) + 2 * q) by nra.
  replace (q / (2 * (INR K * (1 - q) + 2 * q))) with (q / (INR K * (1 - q) + 2 * q) / 2) by (field; lra).
  apply Rmult_lt_compat_r; [lra|].
  apply (Rmult_lt_reg_r ((1 + s2) * (INR K * (1 - q) + 2 * q))); [apply Rmult_lt_0_compat; lra|].
  replace (s2 / (1 + s2) * ((1 + s2) * (INR K * (1 - q) + 2 * q))) with (s2 * (k + q)) by (unfold k; field; lra).
  replace (q / (INR K * (1 - q) + 2 * q) * ((1 + s2) * (INR K * (1 - q) + 2 * q))) with (q * (1 + s2)) by (field; lra).
  apply (Rmult_lt_compat_r k) in S2; [|assumption]. replace (q / k * k) with q in S2 by (field; lra). lra.
Qed.

Corollary theorem_8_minimisers q K d :
  0 < q < 1 -> (2 <= K)%nat -> (2 <= d)%nat ->
  exists n0, forall n, (n0 <= n)%nat -> forall W,
  minimiser (fun W => criterion (fun _ => q) K W (half ones 1)) (repeat n (d - 1)) W -> ~ nonnegative_weights K W.
Proof.
  intros Q HK Hd. destruct (theorem_8 q K d Q HK Hd) as [n0 H]. exists n0. intros n Hn W [Ww Wm] Wn.
  destruct (H n Hn) as (V & Vw & B). specialize (B W Ww Wn). specialize (Wm V Vw). lra.
Qed.
