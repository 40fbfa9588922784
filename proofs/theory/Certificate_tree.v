(* The check of a certificate, and the theorem that it bounds the criterion of every network. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals Certificate Certificate_walk Certificate_cover Certificate_order.
Require Import QArith Qreals Qminmax Bool Arith FMapPositive Permutation.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- the check ----------------------------------------------------------------------------------------------------- *)

(* in_order: inputs that one unit may take with its weights in order; none otherwise. *)
Record certificate := Certificate {
  in_order : list (nat * positive); cover_tree : cover; moves : list move; cuts : list cut; fuel : nat; count_tree : tree }.

Definition types_of (p : problem) (ps : list (list bool)) : list type_ :=
  if nonneg p then map (pair true) ps else flat_map (fun s => [(true, s); (false, s)]) ps.

(* Each type with its witness; None where there is none. *)
Fixpoint with_witnesses (ts : list type_) (os : list (option given)) : list (type_ * option given) :=
  match ts, os with
  | [], _ => []
  | t :: ts', [] => (t, None) :: with_witnesses ts' []
  | t :: ts', o :: os' => (t, o) :: with_witnesses ts' os'
  end.

Lemma with_witnesses_length ts os : length (with_witnesses ts os) = length ts.
Proof. revert os; induction ts; intros [|o os]; simpl; [reflexivity | reflexivity | rewrite IHts; reflexivity | rewrite IHts; reflexivity]. Qed.

Lemma with_witnesses_nth ts os t d : (t < length ts)%nat -> nth t (with_witnesses ts os) d = (nth t ts (true, []), nth t os None).
Proof.
  revert os t; induction ts as [|a ts IH]; intros os t T; [simpl in T; lia|].
  destruct t as [|t], os as [|o os]; cbn [with_witnesses nth]; try reflexivity; rewrite IH by (simpl in T; lia); [destruct t|]; reflexivity.
Qed.

(* The Gram matrix of each type. *)
Definition grams (ws : list Q) (us : list (list Q)) (D : nat) (ts : list type_) : list (list (list Q)) :=
  let columns := map (weighted ws us) (seq 0 D) in map (fun t => gram columns us (snd t)) ts.

Lemma with_grams ws us D ts os : combine (grams ws us D ts) (with_witnesses ts os)
  = map (fun e => (gram (map (weighted ws us) (seq 0 D)) us (snd (fst e)), e)) (with_witnesses ts os).
Proof.
  unfold grams. cbv zeta. revert os; induction ts as [|t ts IH]; intros os; [reflexivity|].
  destruct os as [|o os]; cbn [map with_witnesses combine fst]; rewrite IH; reflexivity.
Qed.

Definition cut_ok (p : problem) (us : list (list Q)) (ws : list Q) (gs : list (list (list Q))) (ts : list type_) (c : cut) : bool :=
  (negb (biases p) || Qeq_bool (qdot ws (res c)) 0) &&
  let wz := qmul ws (res c) in
  forallb (fun e => type_ok wz us (fst (snd e)) (fst e) (snd (snd e))) (combine gs (with_witnesses ts (wits c))).

Definition base (noise : Q) (ws ys z : list Q) : Q := noise - qdot ws (qmul z (qadd (map (Qmult 2) ys) z)).

Definition enough (ratio lower base : Q) (kaps : list Q) (gs : list group) : bool :=
  Qle_bool (lower + most kaps gs / ratio) base.

Definition kappas (nz : list bool) (ws : list Q) (gs : list (list (list Q))) (ts : list type_) (c : cut) : list Q :=
  let sq := both_squares ws (res c) in
  map (fun e => kappa nz sq (fst (snd e)) (fst e) (snd (snd e))) (combine gs (with_witnesses ts (wits c))).

Definition hidden_ratio (p : problem) : Q := (rate1 p / (1 - rate1 p))%Q.    (* lambda *)

(* For each cut L(z) and kappa of all types. *)
Definition tables (p : arranged) (rs : list row) (ts : list type_) (cs : list cut) : list (Q * list Q) :=
  let ws := map rw rs in let us := map ru rs in let ys := map ry rs in
  let nz := not_zero us in let gs := grams ws us (S (inputs p)) ts in let noise := label_noise p in
  map (fun c => (base noise ws ys (res c), kappas nz ws gs ts c)) cs.

(* leaf rs ts i gs: cut i is enough for these groups. *)
Definition check_leaves (leaf : list row -> list type_ -> nat -> list group -> bool) (p : arranged) (n : nat) (cert : certificate) : bool :=
  let rs := rows p in
  let ws := map rw rs in let us := map ru rs in let ys := map ry rs in
  let H := length (held p) in
  match cover_walk (cover_tree cert) (firstn H us) (skipn H us) (repeat true H) with
  | None => false
  | Some ps =>
      let ts := types_of p ps in
      inputs_ok (inputs p) (data p) && order_ok p n
      && negb (Qle_bool (rate1 p) 0) && negb (Qle_bool 1 (rate1 p))
      && (forallb (Qle_bool 0) ws && forallb (fun u => Nat.eqb (length u) (S (inputs p))) us)
      && (let gs := grams ws us (S (inputs p)) ts in forallb (cut_ok p us ws gs ts) (cuts cert))
      && forallb (move_ok ws ys us ts (S (inputs p))) (moves cert)
      && walk (leaf rs ts) (map moved (moves cert)) (fuel cert) (count_tree cert) [(repeat true (length ts), n)]
  end.

Definition check (p : problem) (n : nat) (lower : Q) (cert : certificate) : bool :=
  let p' := Arranged p (in_order cert) in
  check_leaves (fun rs ts => let found := tables p' rs ts (cuts cert) in
    fun i gs => match nth_error found i with Some (b, kaps) => enough (hidden_ratio p) lower b kaps gs | None => false end) p' n cert.

Lemma finite_choice n (P : nat -> nat -> Prop) :
  (forall i, (i < n)%nat -> exists t, P i t) -> exists ts, length ts = n /\ forall i, (i < n)%nat -> P i (nth i ts O).
Proof.
  revert P; induction n; intros P H; [exists []; split; [reflexivity | intros; lia]|].
  destruct (H O ltac:(lia)) as [t T]. destruct (IHn (fun i => P (S i))) as (ts & L & X); [intros; apply H; lia|].
  exists (t :: ts). split; [simpl; congruence|]. intros [|i] I; [assumption | apply X; lia].
Qed.

Lemma total_seq ts n f : length ts = n -> total ts f = sum n (fun i => f (nth i ts O)).
Proof. intros <-. apply total_nth. Qed.

Lemma count_all ts N : (forall t, In t ts -> (t < N)%nat) -> count (repeat true N) ts = length ts.
Proof.
  induction ts as [|t ts IH]; intros H; [reflexivity|]. cbn [count length].
  assert (M : mem t (repeat true N) = true).
  { unfold mem. specialize (H t (or_introl eq_refl)).
    rewrite nth_indep with (d' := true) by (rewrite repeat_length; assumption). apply nth_repeat. }
  rewrite M, IH by (intros; apply H; right; assumption). reflexivity.
Qed.

Lemma vec_add a b k : vec (qadd a b) k = vec a k + vec b k.
Proof.
  revert b k; induction a as [|x a IH]; intros [|y b] k; cbn [qadd]; rewrite ?vec_nil; try lra.
  destruct k; [unfold vec; cbn [nth]; rewrite Q2R_sum; reflexivity | apply (IH b k)].
Qed.

Lemma vec_twice a k : vec (map (Qmult 2) a) k = 2 * vec a k.
Proof.
  revert k; induction a as [|x a IH]; intros k; cbn [map]; rewrite ?vec_nil; [ring|].
  destruct k; [unfold vec; cbn [nth]; rewrite Q2R_mult; unfold Q2R at 1; simpl; lra | apply (IH k)].
Qed.

(* ---- units as vectors c on the rows -------------------------------------------------------------------------------- *)

Definition response (p : arranged) (c : nat -> nat -> R) (i k : nat) : R := relu (ip (c i) (nth k (map ru (rows p)) [])).

(* The criterion of units c with signs s and output bias beta. *)
Definition on_rows (p : arranged) (n : nat) (s : nat -> R) (beta : R) (c : nat -> nat -> R) : R :=
  Q2R (label_noise p) + sum (length (rows p)) (fun k => vec (map rw (rows p)) k *
    ((sum n (fun i => s i * response p c i k) + beta - vec (map ry (rows p)) k) ^ 2 + noise (Q2R (rate1 p)) * sum n (fun i => response p c i k ^ 2))).

(* The units have the types vs. *)
Definition typed (p : arranged) (n : nat) (s : nat -> R) (ts : list type_) (vs : list nat) (c : nat -> nat -> R) : Prop :=
  length vs = n /\ forall i, (i < n)%nat -> (nth i vs O < length ts)%nat
    /\ sat (map ru (rows p)) (snd (nth (nth i vs O) ts (true, []))) (c i) /\ s i = Q2R (sgn (nth (nth i vs O) ts (true, []))).

Lemma criterion_on_rows (p : arranged) n A b w beta :
  inputs_ok (inputs p) (data p) = true -> Q2R (rate1 p) < 1 -> admissible p (Hidden n A b (Output w beta)) ->
  problem_criterion p (Hidden n A b (Output w beta))
  = on_rows p n (fun i => unit_sign (w i)) beta (fun i => unit_vector (w i) (A i) (b i)).
Proof.
  intros HI R1 [AB _]. rewrite reduced; [|assumption | assumption | intros X i I; destruct (AB X) as [Y _]; apply Y; assumption].
  match goal with |- _ + total _ ?h = _ => set (f := h) end.
  assert (Z : total (held p) f = 0).
  { unfold held. rewrite total_map. unfold f. cbn [rw].
    rewrite (total_ext _ _ (fun _ => 0 * 0)) by (intros; rewrite Q2R_0; ring). rewrite total_scale. ring. }
  unfold on_rows. f_equal. rewrite <- (Rplus_0_l (total (points p) f)), <- Z, <- total_app. change (held p ++ points p) with (rows p).
  rewrite (total_nth (rows p) f no_row). apply sum_ext. intros k K.
  unfold f, response. rewrite vec_rw, vec_ry, nth_ru. reflexivity.
Qed.

Lemma kept_on_rows (p : arranged) n s beta T places c : keeps p T places -> on_rows p n s beta (fun i => T (c i)) = on_rows p n s beta c.
Proof.
  intros [P K]. unfold on_rows. f_equal. symmetry. rewrite <- (sum_permuted _ places _ P). apply sum_ext. intros k Lk.
  destruct (K k Lk) as (E1 & [Z | [E2 E3]]); rewrite E1; [rewrite Z; ring|]. unfold response. rewrite E2. f_equal. f_equal.
  - f_equal. f_equal. f_equal. apply sum_ext. intros i I. rewrite E3. reflexivity.
  - f_equal. apply sum_ext. intros i I. rewrite E3. reflexivity.
Qed.

Lemma move_keeps (p : arranged) ts v : move_ok (map rw (rows p)) (map ry (rows p)) (map ru (rows p)) ts (S (inputs p)) v = true ->
  keeps p (turned v) (places v).
Proof.
  intros M. destruct (move_sound _ _ _ _ _ _ M) as (_ & _ & MR). rewrite map_length in MR. split.
  - unfold move_ok in M. rewrite !andb_true_iff, map_length in M. tauto.
  - exact MR.
Qed.

(* The permutations of the rows that a proof may use. *)
Definition used_places (p : arranged) (cert : certificate) : list (list nat) :=
  map places (moves cert) ++ map (exchanged_places (rows p)) (neighbours (chain p)).

(* What the check finds of the rows, and of one cut. *)
Definition good_rows (p : arranged) : Prop :=
  (forall k, 0 <= vec (map rw (rows p)) k) /\ forallb (fun u => Nat.eqb (length u) (S (inputs p))) (map ru (rows p)) = true.
Definition grams_of (p : arranged) (ts : list type_) : list (list (list Q)) := grams (map rw (rows p)) (map ru (rows p)) (S (inputs p)) ts.
Definition cut_valid (p : arranged) (ts : list type_) (cu : cut) : bool := cut_ok p (map ru (rows p)) (map rw (rows p)) (grams_of p ts) ts cu.
Definition kappas_of (p : arranged) (ts : list type_) (cu : cut) : list Q :=
  kappas (not_zero (map ru (rows p))) (map rw (rows p)) (grams_of p ts) ts cu.
Definition base_of (p : arranged) (cu : cut) : Q := base (label_noise p) (map rw (rows p)) (map ry (rows p)) (res cu).

(* What holds for units of all types that a leaf allows, and for units whenever for their image, holds for all units that are
   in order... *)
Lemma leaves_in_order leaf (p : arranged) n cert s c (G : (nat -> nat -> R) -> Prop) :
  check_leaves leaf p n cert = true ->
  (forall i, s i = 1 \/ s i = -1 /\ nonneg p = false) ->
  (forall i, (i < n)%nat -> sat (map ru (held p)) (repeat true (length (held p))) (c i)) ->
  (forall T ps c, In ps (used_places p cert) -> keeps p T ps -> G (fun i => T (c i)) -> G c) ->
  (forall ts i gs vs c, forallb (cut_valid p ts) (cuts cert) = true ->
     leaf (rows p) ts i gs = true -> inside gs vs -> typed p n s ts vs c -> G c) ->
  G c.
Proof.
  unfold check_leaves. set (rs := rows p). set (ws := map rw rs). set (us := map ru rs). set (ys := map ry rs).
  set (H := length (held p)).
  destruct (cover_walk (cover_tree cert) (firstn H us) (skipn H us) (repeat true H)) as [ps|] eqn:CW; [|discriminate].
  set (ts := types_of p ps). rewrite !andb_true_iff. intros [[[[[[_ _] _] _] CC] CM] CT] Hs Hh GM GL.
  (* the types of the units *)
  assert (T : forall i, (i < n)%nat -> exists t, (t < length ts)%nat /\ sat us (snd (nth t ts (true, []))) (c i)
      /\ s i = Q2R (sgn (nth t ts (true, [])))).
  { intros i I. specialize (Hh i I). fold H in Hh.
    assert (Eh : firstn H us = map ru (held p)).
    { unfold us, rs, rows, H. rewrite map_app, <- (map_length ru (held p)), firstn_app, Nat.sub_diag, firstn_all. simpl. apply app_nil_r. }
    rewrite <- Eh in Hh.
    assert (Lh : length (repeat true H) = length (firstn H us)).
    { rewrite repeat_length, firstn_length. unfold us, rs, rows, H. rewrite map_length, app_length. lia. }
    destruct (cover_sound _ _ _ _ ps (c i) Lh CW Hh) as (sigma & Is & S). rewrite firstn_skipn in S.
    assert (Sg : exists e, In (e, sigma) ts /\ s i = Q2R (sgn (e, sigma))).
    { unfold ts, types_of, sgn. destruct (nonneg p) eqn:HN.
      - exists true. split; [apply in_map; assumption|]. destruct (Hs i) as [E|[_ X]]; [|discriminate]. rewrite E. symmetry. apply Q2R_1.
      - destruct (Hs i) as [E|[E _]]; [exists true | exists false]; (split; [apply in_flat_map; exists sigma; split; [assumption | simpl; auto]|]);
        rewrite E; simpl fst; cbv iota; unfold Q2R; simpl; lra. }
    destruct Sg as (e & Ii & Es). destruct (In_nth ts (e, sigma) (true, []) Ii) as (t & Lt & Et).
    exists t. rewrite Et. auto. }
  destruct (finite_choice n _ T) as (tt & Lt & HT). clear T.
  assert (B0 : forall t, In t tt -> (t < length ts)%nat).
  { intros t I. destruct (In_nth tt t O I) as (i & Li & <-). apply HT. lia. }
  assert (In0 : inside [(repeat true (length ts), n)] tt).
  { split.
    - intros l k [X|[]]. injection X as <- <-. rewrite count_all by assumption. assumption.
    - intros t I. exists (repeat true (length ts)), n. split; [left; reflexivity|]. unfold mem.
      rewrite nth_indep with (d' := true) by (rewrite repeat_length; apply B0; assumption). apply nth_repeat. }
  set (P := fun vs => forall a, typed p n s ts vs a -> G a).
  assert (Pt : P tt); [|apply Pt; split; [assumption | exact HT]].
  rewrite forallb_forall in CM.
  refine (walk_sound _ _ (length ts) P _ _ _ _ _ tt B0 In0 CT).
  - intros i gs vs HI HL a HA. exact (GL ts i gs vs a CC HL HI HA).
  - intros h Ih. apply in_map_iff in Ih. destruct Ih as (v & <- & Iv).
    destruct (move_sound _ _ _ _ _ _ (CM v Iv)) as (ML & MT & _).
    split; [exact ML|]. split; [intros t T; apply MT; assumption|].
    intros vs PV a [VL VA]. apply (GM (turned v) (places v) a); [apply in_or_app; left; apply in_map, Iv | exact (move_keeps p ts v (CM v Iv))|].
    apply PV. split; [rewrite map_length; assumption|].
    intros i I. destruct (VA i I) as (A1 & A2 & A3).
    rewrite nth_indep with (d' := image (moved v) O) by (rewrite map_length, VL; assumption). rewrite map_nth.
    destruct (MT _ A1) as (B1 & B2 & B3). split; [exact B1|]. split; [apply B3; exact A2|].
    rewrite A3. unfold sgn. rewrite B2. reflexivity.
Qed.

Lemma check_leaves_data leaf (p : arranged) n cert : check_leaves leaf p n cert = true ->
  inputs_ok (inputs p) (data p) = true /\ order_ok p n = true
  /\ negb (Qle_bool (rate1 p) 0) = true /\ negb (Qle_bool 1 (rate1 p)) = true /\ good_rows p.
Proof.
  unfold check_leaves. destruct (cover_walk _ _ _ _); [|discriminate]. rewrite !andb_true_iff. intros [[[[[[[A O] B] C] [D E]] _] _] _].
  repeat split; try assumption. intros k. apply nonneg_vec, D.
Qed.

(* ... and for all networks. *)
Lemma leaves_sound leaf (p : arranged) n cert A b w beta (G : (nat -> nat -> R) -> Prop) :
  check_leaves leaf p n cert = true -> admissible p (Hidden n A b (Output w beta)) ->
  (forall T ps c, In ps (used_places p cert) -> keeps p T ps -> G (fun i => T (c i)) -> G c) ->
  (forall ts i gs vs c, forallb (cut_valid p ts) (cuts cert) = true ->
     leaf (rows p) ts i gs = true -> inside gs vs -> typed p n (fun i => unit_sign (w i)) ts vs c -> G c) ->
  G (fun i => unit_vector (w i) (A i) (b i)).
Proof.
  intros C [_ AN] GM GL. destruct (check_leaves_data _ _ _ _ C) as (_ & OK & _ & _ & [_ HD]).
  destruct (chain_sound p n OK) as (N & B & B0 & E).
  set (s := fun i => if (i <? n)%nat then unit_sign (w i) else 1).
  assert (Hs : forall i, s i = 1 \/ s i = -1 /\ nonneg p = false).
  { intros i. unfold s. destruct (Nat.ltb_spec i n) as [I|I]; [|left; reflexivity]. unfold unit_sign. destruct (Rle_dec 0 (w i)) as [X|X]; [left; reflexivity|].
    right. split; [reflexivity|]. destruct (nonneg p); [|reflexivity]. destruct X. apply AN; [reflexivity | exact I]. }
  set (known := fun c : nat -> nat -> R => nonneg p = true -> forall i j, (i < n)%nat -> (j < inputs p)%nat -> 0 <= c i (S j)).
  apply (arrange (chain p) known G); [exact N | | | |].
  - intros [a e] c I Kc HN i j Ii Ij. destruct (B a e I) as (_ & Ba & Be). destruct (B0 a e I) as [Pa Pe].
    pose proof (factor_positive a) as Fa. pose proof (factor_positive e) as Fe. unfold exchanged, scaled.
    assert (Q : forall k, (0 < k)%nat -> (k <= inputs p)%nat -> 0 <= c i k).
    { intros [|k] K0 K1; [lia|]. apply Kc; [exact HN | exact Ii | lia]. }
    destruct (Nat.eqb (S j) (fst a)); [|destruct (Nat.eqb (S j) (fst e)); [|apply Q; lia]];
      (apply Rmult_le_pos; [apply Rmult_le_pos; [lra | apply Q; assumption] | left; apply Rinv_0_lt_compat; assumption]).
  - intros [a e] c I. destruct E as [E|[_ E]]; [rewrite E in I; contradiction|]. destruct (B a e I) as (Ne & Ba & Be).
    apply (GM _ (exchanged_places (rows p) (a, e))); [|exact (exchange_keeps p a e HD Ne Ba Be (E _ I))].
    apply in_or_app. right. apply in_map, I.
  - intros c Kc Oc. apply (leaves_in_order leaf p n cert s c G C Hs); [|exact GM|].
    + intros i I. apply held_sat; [exact B | | intros HN j J; exact (Kc HN i j I J)].
      destruct E as [E|[-> _]]; [rewrite E; intros a e [] |]. replace i with O by lia. exact Oc.
    + intros ts i gs vs a H1 H2 H3 [H4 H5]. apply (GL ts i gs vs a H1 H2 H3). split; [exact H4|]. intros k K. destruct (H5 k K) as (X1 & X2 & X3).
      split; [exact X1|]. split; [exact X2|]. rewrite <- X3. unfold s. apply Nat.ltb_lt in K. rewrite K. reflexivity.
  - intros HN i j Ii Ij. destruct (AN HN) as [AA _]. unfold unit_vector. apply Rmult_le_pos; [apply Rabs_pos | apply AA; assumption].
Qed.

(* ---- what a cut proves ----------------------------------------------------------------------------------------------- *)

Definition witness_of (p : arranged) (cu : cut) (ts : list type_) (t : nat) : list Q :=
  witness (not_zero (map ru (rows p))) (map ru (rows p)) (res cu) (nth t ts (true, [])) (nth t (wits cu) None).

Definition kappa_at (p : arranged) (cu : cut) (ts : list type_) (t : nat) : R := Q2R (nth t (kappas_of p ts cu) 0%Q).

Lemma kappas_length (p : arranged) ts cu : length (kappas_of p ts cu) = length ts.
Proof. unfold kappas_of, grams_of, kappas. cbv zeta. rewrite with_grams, !map_length. apply with_witnesses_length. Qed.

Lemma kappa_at_sum (p : arranged) cu ts t : good_rows p -> (t < length ts)%nat ->
  kappa_at p cu ts t = sum (length (rows p)) (fun k => vec (map rw (rows p)) k * vec (witness_of p cu ts t) k ^ 2).
Proof.
  intros [_ HD] T. unfold kappa_at, kappas_of, grams_of, kappas, witness_of. cbv zeta. rewrite with_grams, map_map. cbn [fst snd].
  set (ws := map rw (rows p)) in *. set (us := map ru (rows p)) in *. set (D := S (inputs p)) in *.
  set (h := fun e => kappa (not_zero us) (both_squares ws (res cu)) (fst e) (gram (map (weighted ws us) (seq 0 D)) us (snd (fst e))) (snd e)).
  rewrite nth_indep with (d' := h ((true, []), None)) by (rewrite map_length, with_witnesses_length; assumption).
  rewrite (map_nth h), with_witnesses_nth by assumption. unfold h. cbn [fst snd].
  rewrite kappa_sum; [unfold ws; rewrite map_length; reflexivity | unfold ws, us; rewrite !map_length; reflexivity | exact HD].
Qed.

Lemma kappa_at_nonneg p cu ts t : good_rows p -> 0 <= kappa_at p cu ts t.
Proof.
  intros W. destruct (Nat.lt_ge_cases t (length ts)) as [X|X].
  - rewrite kappa_at_sum by assumption. apply sum_nonneg. intros k _. apply Rmult_le_pos; [apply W | apply pow2_ge_0].
  - unfold kappa_at. rewrite nth_overflow by (rewrite kappas_length; assumption). rewrite Q2R_0. lra.
Qed.

(* J = L(z) - (1/lambda) sum kappa + parts that are not negative; they vanish only where the residual is z and lambda g = h. *)
Lemma cut_parts (p : arranged) n s beta ts vs c cu :
  0 < noise (Q2R (rate1 p)) -> good_rows p -> (biases p = false -> beta = 0) ->
  cut_valid p ts cu = true ->
  typed p n s ts vs c ->
  exists parts : nat -> R, (forall i, (i < n)%nat -> 0 <= parts i)
  /\ on_rows p n s beta c = Q2R (base_of p cu) - spent (kappas_of p ts cu) vs / noise (Q2R (rate1 p))
     + sum n (fun i => / noise (Q2R (rate1 p)) * sum (length (rows p)) (fun k => vec (map rw (rows p)) k * (noise (Q2R (rate1 p)) * response p c i k - vec (witness_of p cu ts (nth i vs O)) k) ^ 2)) + sum n parts
     + sum (length (rows p)) (fun k => vec (map rw (rows p)) k * (sum n (fun i => s i * response p c i k) + beta - vec (map ry (rows p)) k - vec (res cu) k) ^ 2).
Proof.
  set (us := map ru (rows p)). set (ws := map rw (rows p)). set (ys := map ry (rows p)).
  set (lambda := noise (Q2R (rate1 p))). set (N := length (rows p)). intros L0 HR HB OK [Lt HT].
  destruct HR as [Wn HD] eqn:ER; clear ER. fold us in HD.
  assert (Lw : length ws = N) by apply map_length. assert (Lu : length us = N) by apply map_length.
  unfold cut_valid, cut_ok in OK. cbv zeta in OK. apply andb_prop in OK. destruct OK as [CB CC].
  fold us ws in CC. unfold grams_of in CC. fold us ws in CC. rewrite with_grams in CC. rewrite forallb_forall in CC.
  set (h := fun i => vec (witness_of p cu ts (nth i vs O))).
  exists (fun i => 2 * sum N (fun k => vec ws k * (h i k + s i * vec (res cu) k) * response p c i k)). split.
  - intros i I. destruct (HT i I) as (T1 & T2 & T3).
    set (e := nth (nth i vs O) (with_witnesses ts (wits cu)) ((true, []), None)).
    assert (K := CC _ (in_map (fun e => (gram (map (weighted ws us) (seq 0 (S (inputs p)))) us (snd (fst e)), e)) _ e
      ltac:(apply nth_In; rewrite with_witnesses_length; assumption))). unfold e in K. cbv beta in K.
    rewrite with_witnesses_nth in K by assumption. cbn [fst snd] in K.
    assert (X := type_sound ws us (S (inputs p)) (res cu) _ _ (c i) (eq_trans Lw (eq_sym Lu)) HD Wn K T2).
    rewrite Lu, <- T3 in X. apply Rmult_le_pos; [lra | exact X].
  - unfold on_rows. fold us ws ys lambda N.
    rewrite (cut_slack N n (vec ws) (vec ys) (vec (res cu)) s (fun i k => response p c i k) beta lambda).
    2: { destruct (biases p) eqn:B; [right | left; apply HB; reflexivity].
         cbn [negb orb] in CB. apply Qeq_bool_iff, Qeq_eqR in CB. rewrite dot_sum, Q2R_0 in CB. fold ws in CB. rewrite Lw in CB. exact CB. }
    assert (BB : Q2R (base_of p cu) = Q2R (label_noise p) - sum N (fun k => vec ws k * (2 * vec (res cu) k * vec ys k + vec (res cu) k ^ 2))).
    { unfold base_of, base. rewrite Q2R_minus, dot_sum. fold ws ys. rewrite Lw. f_equal. apply sum_ext. intros k _. rewrite vec_mul, vec_add, vec_twice. ring. }
    replace (Q2R (base_of p cu)) with (Q2R (label_noise p) + - sum N (fun k => vec ws k * (2 * vec (res cu) k * vec ys k + vec (res cu) k ^ 2)))
      by (rewrite BB; ring). clear BB CB.
    rewrite (sum_ext n _ (fun i => - / lambda * Q2R (nth (nth i vs O) (kappas_of p ts cu) 0%Q)
      + (/ lambda * sum N (fun k => vec ws k * (lambda * response p c i k - h i k) ^ 2)
      + 2 * sum N (fun k => vec ws k * (h i k + s i * vec (res cu) k) * response p c i k)))).
    2: { intros i I. destruct (HT i I) as (T1 & _). rewrite (unit_slack N (vec ws) (vec (res cu)) (fun k => response p c i k) (h i) (s i) lambda L0).
         change (Q2R (nth (nth i vs O) (kappas_of p ts cu) 0%Q)) with (kappa_at p cu ts (nth i vs O)).
         rewrite kappa_at_sum by (try assumption; split; assumption). fold N ws (h i). unfold Rdiv. ring. }
    rewrite !sum_plus, sum_scale. unfold spent. rewrite (total_seq vs n) by assumption. unfold Rdiv, h. ring.
Qed.

Lemma lambda_positive p : negb (Qle_bool (rate1 p) 0) = true -> negb (Qle_bool 1 (rate1 p)) = true ->
  0 < noise (Q2R (rate1 p)) /\ Q2R (rate1 p) < 1 /\ Q2R (hidden_ratio p) = noise (Q2R (rate1 p)).
Proof.
  intros C0 C1. apply negb_true_iff in C0, C1.
  assert (R0 : 0 < Q2R (rate1 p)). { rewrite <- Q2R_0. apply Qlt_Rlt, Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
  assert (R1 : Q2R (rate1 p) < 1). { rewrite <- Q2R_1. apply Qlt_Rlt, Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
  split; [apply Rdiv_lt_0_compat; lra|]. split; [assumption|].
  unfold hidden_ratio, Qdiv. rewrite Q2R_mult, Q2R_inv', Q2R_minus, Q2R_1. reflexivity.
Qed.

(* What is enough for a leaf bounds the units that it allows. *)
Lemma enough_sound (p : arranged) lower ts gs vs cu :
  0 < noise (Q2R (rate1 p)) -> Q2R (hidden_ratio p) = noise (Q2R (rate1 p)) -> good_rows p ->
  enough (hidden_ratio p) lower (base_of p cu) (kappas_of p ts cu) gs = true ->
  inside gs vs ->
  Q2R lower + (Q2R (most (kappas_of p ts cu) gs) - spent (kappas_of p ts cu) vs) / noise (Q2R (rate1 p))
    <= Q2R (base_of p cu) - spent (kappas_of p ts cu) vs / noise (Q2R (rate1 p))
  /\ spent (kappas_of p ts cu) vs <= Q2R (most (kappas_of p ts cu) gs).
Proof.
  intros L0 LR HR HL HI. unfold enough in HL. apply Qle_bool_iff, Qle_Rle in HL. unfold Qdiv in HL.
  rewrite Q2R_plus, Q2R_mult, Q2R_inv', LR in HL. split; [unfold Rdiv; lra|].
  apply spent_most; [|assumption]. intros t. exact (kappa_at_nonneg p cu ts t HR).
Qed.

Theorem certificate_sound p n lower cert :
  check p n lower cert = true ->
  forall W, widths W = [n] -> admissible p W -> Q2R lower <= problem_criterion p W.
Proof.
  intros C W HW HA. unfold check in C. cbv zeta in C. set (p' := Arranged p (in_order cert)) in *.
  destruct (check_leaves_data _ _ _ _ C) as (CI & _ & C0 & C1 & HR). pose proof (proj1 HR) as Wn.
  change (admissible p' W) in HA. change (Q2R lower <= problem_criterion p' W). change (hidden_ratio p) with (hidden_ratio p') in C.
  clearbody p'. clear p. rename p' into p.
  destruct (lambda_positive p C0 C1) as (L0 & R1 & LR).
  destruct W as [|m A b W]; [discriminate|]. destruct W as [w beta|]; [|discriminate]. injection HW as ->.
  rewrite criterion_on_rows by assumption.
  apply (leaves_sound _ p n cert A b w beta (fun c => Q2R lower <= on_rows p n (fun i => unit_sign (w i)) beta c) C HA).
  - intros T ps c _ K. rewrite (kept_on_rows p n _ beta T ps c K). auto.
  - intros ts i gs vs c CC HL HI HT. cbv zeta in HL. unfold tables in HL. cbv zeta in HL. rewrite nth_error_map in HL.
    destruct (nth_error (cuts cert) i) as [cu|] eqn:Ec; [|discriminate]. cbn [option_map] in HL.
    rewrite forallb_forall in CC. specialize (CC cu (nth_error_In _ _ Ec)).
    assert (HB : biases p = false -> beta = 0) by (intros X; destruct HA as [AB _]; destruct (AB X) as [_ Y]; exact Y).
    destruct (cut_parts p n _ beta ts vs c cu L0 HR HB CC HT) as (parts & P0 & ->).
    destruct (enough_sound p lower ts gs vs cu L0 LR HR HL HI) as [X Y].
    assert (0 <= / noise (Q2R (rate1 p))) by (left; apply Rinv_0_lt_compat, L0).
    pose proof (sum_nonneg n parts P0).
    match goal with |- _ <= _ + ?a + _ + ?b => assert (0 <= a); [|assert (0 <= b)] end.
    + apply sum_nonneg. intros j _. apply Rmult_le_pos; [assumption|]. apply sum_nonneg. intros k _. apply Rmult_le_pos; [apply Wn | apply pow2_ge_0].
    + apply sum_nonneg. intros k _. apply Rmult_le_pos; [apply Wn | apply pow2_ge_0].
    + assert (Z : 0 <= (Q2R (most (kappas_of p ts cu) gs)
        - spent (kappas_of p ts cu) vs) / noise (Q2R (rate1 p)))
        by (apply Rmult_le_pos; [lra | assumption]).
      lra.
Qed.

(* ---- every width at once ------------------------------------------------------------------------------------------- *)

(* A cut whose kappa vanishes for all types bounds the networks of every width. *)
Definition check_every_width (p : problem) (lower : Q) (splits : cover) (c : cut) : bool :=
  let p' := Arranged p [] in
  check_leaves (fun rs ts => let found := tables p' rs ts [c] in
    fun i gs => match nth_error found i with
                | Some (b, kaps) => Qle_bool lower b && forallb (fun k => Qle_bool k 0) kaps
                | None => false
                end) p' O (Certificate [] splits [] [c] 1 (Leaf O)).

Lemma largest_vanishes kaps l : forallb (fun k => Qle_bool k 0) kaps = true -> Q2R (largest kaps l) = 0.
Proof.
  intros H. apply Rle_antisym; [|apply largest_nonneg]. revert l; induction kaps as [|k kaps IH]; intros [|a l]; cbn [largest]; rewrite ?Q2R_0; try lra.
  cbn [forallb] in H. apply andb_prop in H. destruct H as [K H]. specialize (IH H l). destruct a; [|exact IH].
  rewrite <- Q2R_0 in IH |- *. apply Qle_Rle, Q.max_lub; [apply Qle_bool_iff, K | apply Rle_Qle, IH].
Qed.

Theorem every_width_sound p lower splits c :
  check_every_width p lower splits c = true ->
  forall n W, widths W = [n] -> admissible p W -> Q2R lower <= problem_criterion p W.
Proof.
  intros H n. apply (certificate_sound p n lower (Certificate [] splits [] [c] 1 (Leaf O))). revert H.
  unfold check_every_width, check. cbn [in_order]. cbv zeta. change (hidden_ratio p) with (hidden_ratio (Arranged p [])).
  set (p' := Arranged p []). assert (E : chain p' = []) by reflexivity. clearbody p'. clear p. rename p' into p.
  unfold check_leaves. cbn [cover_tree moves cuts fuel count_tree].
  destruct (cover_walk _ _ _ _) as [ps|]; [|discriminate]. rewrite !andb_true_iff. intros [[[[[[[A O] B] C] D] F] F'] G].
  destruct (lambda_positive p B C) as (L0 & _ & LR).
  assert (O' : order_ok p n = true) by (unfold order_ok in *; rewrite E in *; exact O).
  repeat split; try assumption; try apply D. cbn [walk map] in *.
  unfold tables in *. cbv zeta in *. cbn [map nth_error] in *. apply andb_prop in G. destruct G as [G K].
  apply Qle_bool_iff, Qle_Rle in G. unfold enough. apply Qle_bool_iff, Rle_Qle. unfold Qdiv. rewrite Q2R_plus, Q2R_mult, Q2R_inv', LR.
  change (forallb (fun k => Qle_bool k 0) (kappas_of p (types_of p ps) c) = true) in K.
  match goal with |- context [most ?k _] => change k with (kappas_of p (types_of p ps) c) end.
  assert (M : forall l, Q2R (most (kappas_of p (types_of p ps) c) [(l, n)]) = 0).
  { intros l. unfold most. cbn [fold_right fst snd]. destruct (Nat.eqb n 0); [apply Q2R_0|]. autorewrite with q2r.
    rewrite (largest_vanishes _ l K). ring. }
  rewrite M. lra.
Qed.
