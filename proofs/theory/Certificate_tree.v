(* The cover of all units by types, symmetries, and the theorem. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals Certificate Certificate_walk.
Require Import QArith Qreals Qminmax Bool Arith FMapPositive Permutation.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- every vector c has one of the listed patterns --------------------------------------------------------------- *)

(* A row splits into c . u >= 0 and c . u < 0; an empty side has multipliers; a leaf comes after the last row. *)
Inductive cover := CLeaf | CEmpty (mult : list Q) | CSplit (yes no : cover).

Definition signed (path : list bool) (mult : list Q) (N : nat) : list Q := defect 0 (repeat 0%Q N) path [] [] mult.

Definition strict (path : list bool) (mult : list Q) (N : nat) : bool :=
  existsb (fun k => negb (nth k path false) && negb (Qle_bool (nth k mult 0%Q) 0)) (seq 0 N).

Definition empty_ok (before : list (list Q)) (path : list bool) (mult : list Q) : bool :=
  forallb (Qle_bool 0) mult && strict path mult (length before) && is_zero (comb (signed path mult (length before)) before).

Fixpoint cover_walk (t : cover) (before rest : list (list Q)) (path : list bool) : option (list (list bool)) :=
  match t with
  | CLeaf => match rest with [] => Some [path] | _ => None end
  | CEmpty mult => if empty_ok before path mult then Some [] else None
  | CSplit yes no =>
      match rest with
      | [] => None
      | u :: rest' =>
          match cover_walk yes (before ++ [u]) rest' (path ++ [true]), cover_walk no (before ++ [u]) rest' (path ++ [false]) with
          | Some a, Some b => Some (a ++ b)
          | _, _ => None
          end
      end
  end.

Lemma sat_snoc us sigma c u (k : bool) :
  length sigma = length us -> sat us sigma c -> (if k then 0 <= ip c u else ip c u < 0) -> sat (us ++ [u]) (sigma ++ [k]) c.
Proof.
  intros L S H i I. rewrite app_length in I. simpl in I. destruct (Nat.eq_dec i (length us)) as [->|N].
  - replace (nth (length us) (sigma ++ [k]) false) with k by (rewrite <- L; symmetry; apply nth_middle).
    replace (nth (length us) (us ++ [u]) []) with u by (symmetry; apply nth_middle). exact H.
  - rewrite !app_nth1 by lia. apply S. lia.
Qed.

Lemma empty_sound us path mult c : length path = length us -> empty_ok us path mult = true -> ~ sat us path c.
Proof.
  intros L H S. unfold empty_ok in H. apply andb_prop in H. destruct H as [H Z]. apply andb_prop in H. destruct H as [M X].
  apply (ip_zero c) in Z. rewrite ip_comb in Z. unfold strict in X. apply existsb_exists in X. destruct X as (k & K & X).
  apply in_seq in K. apply andb_prop in X. destruct X as [P Q0]. apply negb_true_iff in P, Q0.
  assert (Pos : 0 < vec mult k).
  { unfold vec. rewrite <- Q2R_0. apply Qlt_Rlt, Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
  assert (T : forall i, (i < length us)%nat ->
     vec (signed path mult (length us)) i * ip c (nth i us []) = - (if nth i path false then vec mult i * ip c (nth i us []) else vec mult i * - ip c (nth i us []))).
  { intros i I. unfold signed. rewrite defect_vec by (rewrite repeat_length; assumption).
    unfold vec at 1. rewrite nth_repeat, Q2R_0. destruct (nth i path false); ring. }
  rewrite (sum_ext _ _ (fun i => -1 * (if nth i path false then vec mult i * ip c (nth i us []) else vec mult i * - ip c (nth i us [])))) in Z
    by (intros i I; rewrite T by assumption; ring).
  rewrite sum_scale in Z.
  assert (G : 0 < sum (length us) (fun i => if nth i path false then vec mult i * ip c (nth i us []) else vec mult i * - ip c (nth i us []))).
  { assert (Gk : forall N (f : nat -> R) k, (k < N)%nat -> (forall i, (i < N)%nat -> 0 <= f i) -> 0 < f k -> 0 < sum N f).
    { clear. induction N; intros f k K F P; [lia|]. rewrite sum_last. destruct (Nat.eq_dec k N) as [->|Ne].
      - assert (0 <= sum N f) by (apply sum_nonneg; intros; apply F; lia). lra.
      - assert (0 < sum N f) by (apply (IHN f k); [lia | intros; apply F; lia | assumption]). specialize (F N ltac:(lia)). lra. }
    apply (Gk _ _ k); [lia| |].
    - intros i I. pose proof (nonneg_vec mult i M). specialize (S i I). destruct (nth i path false); nra.
    - specialize (S k ltac:(lia)). rewrite P in S |- *. nra. }
  lra.
Qed.

Lemma cover_sound t before rest path ps c :
  length path = length before -> cover_walk t before rest path = Some ps -> sat before path c ->
  exists sigma, In sigma ps /\ sat (before ++ rest) sigma c.
Proof.
  revert before rest path ps; induction t as [|mult|yes IHy no IHn]; intros before rest path ps L H S; cbn [cover_walk] in H.
  - destruct rest; [|discriminate]. injection H as <-. exists path. rewrite app_nil_r. split; [left; reflexivity | assumption].
  - destruct (empty_ok before path mult) eqn:X; [|discriminate]. destruct (empty_sound before path mult c L X S).
  - destruct rest as [|u rest]; [discriminate|].
    destruct (cover_walk yes _ _ _) as [a|] eqn:A; [|discriminate]. destruct (cover_walk no _ _ _) as [b|] eqn:B; [|discriminate].
    injection H as <-. replace (before ++ u :: rest) with ((before ++ [u]) ++ rest) by (rewrite <- app_assoc; reflexivity).
    assert (Lp : forall k : bool, length (path ++ [k]) = length (before ++ [u])) by (intros; rewrite !app_length; simpl; lia).
    destruct (Rle_dec 0 (ip c u)) as [P|P].
    + destruct (IHy (before ++ [u]) rest (path ++ [true]) a (Lp true) A) as (s & I & X); [apply sat_snoc; assumption|].
      exists s. split; [apply in_or_app; left; assumption | assumption].
    + destruct (IHn (before ++ [u]) rest (path ++ [false]) b (Lp false) B) as (s & I & X); [apply sat_snoc; try assumption; lra|].
      exists s. split; [apply in_or_app; right; assumption | assumption].
Qed.

(* ---- symmetries --------------------------------------------------------------------------------------------------- *)

(* A permutation of the coordinates of c and one of the rows under which the problem stays the same, and the type to which
   each type moves, counted from 1. *)
Record move := Move { coordinates : list nat; places : list nat; moved : list positive }.

Definition permutes (n : nat) (l : list nat) : bool := Nat.eqb (length l) n && forallb (fun i => existsb (Nat.eqb i) l) (seq 0 n).

Definition moved_type_ok (N : nat) (ps : list nat) (table_ : PositiveMap.t type_) (e : positive * type_) : bool :=
  match PositiveMap.find (fst e) table_ with
  | Some t => eqb (fst t) (fst (snd e)) &&
      forallb (fun k => eqb (nth k (snd t) false) (nth (nth k ps O) (snd (snd e)) false)) (seq 0 N)
  | None => false
  end.

Definition move_ok (ws ys : list Q) (us : list (list Q)) (ts : list type_) (D : nat) (v : move) : bool :=
  permutes D (coordinates v) && permutes (length us) (places v) && forallb (fun u => Nat.eqb (length u) D) us &&
  forallb (fun k => let k' := nth k (places v) O in
    Qeq_bool (nth k' ws 0%Q) (nth k ws 0%Q) && Qeq_bool (nth k' ys 0%Q) (nth k ys 0%Q) &&
    forallb (fun j => Qeq_bool (nth (nth j (coordinates v) O) (nth k' us []) 0%Q) (nth j (nth k us []) 0%Q)) (seq 0 D)) (seq 0 (length us)) &&
  Nat.eqb (length (moved v)) (length ts) &&
  forallb (moved_type_ok (length us) (places v) (table ts 1)) (combine (moved v) ts).

Lemma total_nth {T} (l : list T) f d : total l f = sum (length l) (fun k => f (nth k l d)).
Proof. unfold total. induction l; cbn [fold_right length sum]; [reflexivity | rewrite IHl; reflexivity]. Qed.

Lemma sum_permuted n l f : permutes n l = true -> sum n (fun k => f (nth k l O)) = sum n f.
Proof.
  intros H. unfold permutes in H. apply andb_prop in H. destruct H as [L H]. apply Nat.eqb_eq in L. rewrite forallb_forall in H.
  assert (P : Permutation (seq 0 n) l).
  { apply NoDup_Permutation_bis; [apply seq_NoDup | rewrite seq_length, L; apply le_n|]. intros i I. specialize (H i I).
    apply existsb_exists in H. destruct H as (j & J & E). apply Nat.eqb_eq in E. subst. exact J. }
  rewrite <- L at 1. rewrite <- (total_nth l f O).
  transitivity (total (seq 0 n) f).
  - clear L H. unfold total. induction P; simpl; lra.
  - rewrite (total_nth _ f O), seq_length. apply sum_ext. intros i I. rewrite seq_nth by assumption. reflexivity.
Qed.

Lemma permutes_lt n l k : permutes n l = true -> (k < n)%nat -> (nth k l O < n)%nat.
Proof.
  intros H K. unfold permutes in H. apply andb_prop in H. destruct H as [L H]. apply Nat.eqb_eq in L. rewrite forallb_forall in H.
  assert (P : Permutation (seq 0 n) l).
  { apply NoDup_Permutation_bis; [apply seq_NoDup | rewrite seq_length, L; apply le_n|]. intros i I. specialize (H i I).
    apply existsb_exists in H. destruct H as (j & J & E). apply Nat.eqb_eq in E. subst. exact J. }
  assert (I : In (nth k l O) (seq 0 n)).
  { apply (Permutation_in _ (Permutation_sym P)). apply nth_In. lia. }
  apply in_seq in I. lia.
Qed.

Definition turned (v : move) (c : nat -> R) (j : nat) : R := c (nth j (coordinates v) O).

Lemma move_sound ws ys us ts D v : move_ok ws ys us ts D v = true ->
  length (moved v) = length ts
  /\ (forall t, (t < length ts)%nat -> (image (moved v) t < length ts)%nat
        /\ fst (nth (image (moved v) t) ts (true, [])) = fst (nth t ts (true, []))
        /\ forall c, sat us (snd (nth t ts (true, []))) c -> sat us (snd (nth (image (moved v) t) ts (true, []))) (turned v c))
  /\ (forall k, (k < length us)%nat -> (nth k (places v) O < length us)%nat
        /\ vec ws (nth k (places v) O) = vec ws k /\ vec ys (nth k (places v) O) = vec ys k
        /\ forall c, ip (turned v c) (nth k us []) = ip c (nth (nth k (places v) O) us [])).
Proof.
  intros H. unfold move_ok in H. rewrite !andb_true_iff in H. destruct H as [[[[[HC HP] HD] HR] HL] HT].
  apply Nat.eqb_eq in HL. rewrite forallb_forall in HD, HR, HT.
  assert (R : forall k, (k < length us)%nat -> (nth k (places v) O < length us)%nat
        /\ vec ws (nth k (places v) O) = vec ws k /\ vec ys (nth k (places v) O) = vec ys k
        /\ forall c, ip (turned v c) (nth k us []) = ip c (nth (nth k (places v) O) us [])).
  { intros k K. assert (K' := permutes_lt _ _ _ HP K). split; [exact K'|].
    specialize (HR k ltac:(apply in_seq; lia)). cbv zeta in HR. rewrite !andb_true_iff in HR. destruct HR as [[RW RY] RU].
    rewrite forallb_forall in RU.
    split; [unfold vec; apply Qeq_eqR, Qeq_bool_iff, RW|]. split; [unfold vec; apply Qeq_eqR, Qeq_bool_iff, RY|].
    intros c. rewrite !ip_sum.
    assert (L1 : length (nth k us []) = D) by (apply Nat.eqb_eq, HD, nth_In; assumption).
    assert (L2 : length (nth (nth k (places v) O) us []) = D) by (apply Nat.eqb_eq, HD, nth_In; assumption).
    rewrite L1, L2. rewrite <- (sum_permuted D (coordinates v) (fun j => c j * vec (nth (nth k (places v) O) us []) j) HC).
    apply sum_ext. intros j J. unfold turned. f_equal. symmetry. unfold vec. apply Qeq_eqR, Qeq_bool_iff, RU, in_seq. lia. }
  split; [exact HL|]. split; [|exact R]. intros t T.
  assert (E : In (nth t (moved v) 1%positive, nth t ts (true, [])) (combine (moved v) ts)).
  { rewrite <- combine_nth by assumption. apply nth_In. rewrite combine_length, HL, Nat.min_id. assumption. }
  specialize (HT _ E). unfold moved_type_ok in HT. cbn [fst snd] in HT. rewrite find_index in HT. fold (image (moved v) t) in HT.
  destruct (nth_error ts (image (moved v) t)) as [t'|] eqn:F; [|discriminate].
  assert (B : (image (moved v) t < length ts)%nat) by (apply nth_error_Some; rewrite F; discriminate).
  apply andb_prop in HT. destruct HT as [S HT]. apply eqb_prop in S. rewrite forallb_forall in HT.
  assert (F' : nth (image (moved v) t) ts (true, []) = t') by (apply nth_error_nth; exact F).
  change (fst t' = fst (nth t ts (true, []))) in S.
  split; [exact B|]. split; [rewrite F'; exact S|]. rewrite F'.
  intros c HS k K. destruct (R k K) as (K' & _ & _ & X). rewrite X. specialize (HT k ltac:(apply in_seq; lia)). apply eqb_prop in HT.
  rewrite HT. exact (HS _ K').
Qed.

(* ---- the check ----------------------------------------------------------------------------------------------------- *)

Record certificate := Certificate { cover_tree : cover; moves : list move; cuts : list cut; fuel : nat; count_tree : tree }.

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

Definition cut_ok (p : problem) (nz : list bool) (ws : list Q) (us : list (list Q)) (ts : list type_) (c : cut) : bool :=
  let plain := same (res c) (mean c) in
  (negb (biases p) || Qeq_bool (qdot ws (res c)) 0) &&
  forallb (fun e => type_ok plain nz ws us (res c) (mean c) (fst e) (snd e)) (with_witnesses ts (wits c)).

Definition base (ws ys z : list Q) : Q := - qdot ws (qmul z (qadd (map (Qmult 2) ys) z)).

Definition enough (ratio lower base : Q) (kaps : list Q) (gs : list group) : bool :=
  Qle_bool (lower + most kaps gs / ratio) base.

Definition kappas (nz : list bool) (us : list (list Q)) (ws : list Q) (ts : list type_) (c : cut) : list Q :=
  let sq := both_squares ws (mean c) in map (fun e => kappa nz us ws (mean c) sq (fst e) (snd e)) (with_witnesses ts (wits c)).

Definition check (p : problem) (n : nat) (lower : Q) (cert : certificate) : bool :=
  let rs := rows p in
  let ws := map rw rs in let us := map ru rs in let ys := map ry rs in
  let nz := not_zero us in
  let ratio := (rate1 p / (1 - rate1 p))%Q in
  let H := length (held p) in
  match cover_walk (cover_tree cert) (firstn H us) (skipn H us) (repeat true H) with
  | None => false
  | Some ps =>
      let ts := types_of p ps in
      let tables := map (fun c => (base ws ys (res c), kappas nz us ws ts c)) (cuts cert) in
      inputs_ok (inputs p) (data p)
      && negb (Qle_bool (rate1 p) 0) && negb (Qle_bool 1 (rate1 p))
      && forallb (Qle_bool 0) ws
      && forallb (cut_ok p nz ws us ts) (cuts cert)
      && forallb (move_ok ws ys us ts (S (inputs p))) (moves cert)
      && walk (fun i gs => match nth_error tables i with Some (b, kaps) => enough ratio lower b kaps gs | None => false end)
              (map moved (moves cert)) (fuel cert) (count_tree cert) [(repeat true (length ts), n)]
  end.

Lemma finite_choice n (P : nat -> nat -> Prop) :
  (forall i, (i < n)%nat -> exists t, P i t) -> exists ts, length ts = n /\ forall i, (i < n)%nat -> P i (nth i ts O).
Proof.
  revert P; induction n; intros P H; [exists []; split; [reflexivity | intros; lia]|].
  destruct (H O ltac:(lia)) as [t T]. destruct (IHn (fun i => P (S i))) as (ts & L & X); [intros; apply H; lia|].
  exists (t :: ts). split; [simpl; congruence|]. intros [|i] I; [assumption | apply X; lia].
Qed.

Lemma held_sat p w A b : (nonneg p = true -> forall j, (j < inputs p)%nat -> 0 <= A j) ->
  sat (map ru (held p)) (repeat true (length (held p))) (unit_vector w A b).
Proof.
  intros H k K. unfold held in *. destruct (nonneg p); [|simpl in K; lia]. rewrite !map_length, seq_length in *.
  rewrite nth_indep with (d' := true) by (rewrite repeat_length; assumption). rewrite nth_repeat.
  rewrite map_map. cbn [ru].
  set (f := fun x : nat => 0%Q :: map (fun j => if Nat.eqb j x then 1%Q else 0%Q) (seq 0 (inputs p))).
  rewrite nth_indep with (d' := f O) by (rewrite map_length, seq_length; assumption). rewrite map_nth, seq_nth by assumption.
  unfold f. cbn [ip]. rewrite Q2R_0, Rmult_0_r, Rplus_0_l, ip_sum, map_length, seq_length. apply sum_nonneg. intros j J.
  unfold next, unit_vector. apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rabs_pos | apply H; [reflexivity | assumption]]|].
  unfold vec. rewrite nth_indep with (d' := (if Nat.eqb O (0 + k) then 1%Q else 0%Q)) by (rewrite map_length, seq_length; assumption).
  rewrite (map_nth (fun j => if Nat.eqb j (0 + k) then 1%Q else 0%Q)). destruct (Nat.eqb _ _); rewrite ?Q2R_0, ?Q2R_1; lra.
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

Definition no_row : row := Row 0 [] 0.

Lemma vec_rw rs k : vec (map rw rs) k = Q2R (rw (nth k rs no_row)).
Proof. unfold vec. f_equal. exact (map_nth rw rs no_row k). Qed.
Lemma vec_ry rs k : vec (map ry rs) k = Q2R (ry (nth k rs no_row)).
Proof. unfold vec. f_equal. exact (map_nth ry rs no_row k). Qed.
Lemma nth_ru rs k : nth k (map ru rs) [] = ru (nth k rs no_row).
Proof. exact (map_nth ru rs no_row k). Qed.

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

Theorem certificate_sound p n lower cert :
  check p n lower cert = true ->
  forall W, widths W = [n] -> admissible p W -> Q2R lower <= problem_criterion p W.
Proof.
  unfold check. set (rs := rows p). set (ws := map rw rs). set (us := map ru rs). set (ys := map ry rs).
  set (H := length (held p)).
  destruct (cover_walk (cover_tree cert) (firstn H us) (skipn H us) (repeat true H)) as [ps|] eqn:CW; [|discriminate].
  set (ts := types_of p ps). set (nz := not_zero us). rewrite !andb_true_iff. intros [[[[[[CI C0] C1] CP] CC] CM] CT] W HW [AB AN].
  destruct W as [|m A b W]; [discriminate|]. destruct W as [w beta|]; [|discriminate].
  injection HW as ->. apply negb_true_iff in C0, C1.
  assert (R0 : 0 < Q2R (rate1 p)). { rewrite <- Q2R_0. apply Qlt_Rlt, Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
  assert (R1 : Q2R (rate1 p) < 1). { rewrite <- Q2R_1. apply Qlt_Rlt, Qnot_le_lt. intros X. apply Qle_bool_iff in X. congruence. }
  set (lambda := noise (Q2R (rate1 p))). assert (L0 : 0 < lambda) by (apply Rdiv_lt_0_compat; lra).
  set (N := length us). assert (Lw : length ws = N) by (unfold N, ws, us; rewrite !map_length; reflexivity).
  set (c := fun i => unit_vector (w i) (A i) (b i)).
  set (g := fun i k => relu (ip (c i) (nth k us []))).
  (* the types of the units *)
  assert (T : forall i, (i < n)%nat -> exists t, (t < length ts)%nat /\ sat us (snd (nth t ts (true, []))) (c i)
      /\ unit_sign (w i) = Q2R (sgn (nth t ts (true, [])))).
  { intros i I.
    assert (Sh : sat (firstn H us) (repeat true H) (c i)).
    { assert (Eh : firstn H us = map ru (held p)).
      { unfold us, rs, rows, H. rewrite map_app, <- (map_length ru (held p)), firstn_app, Nat.sub_diag, firstn_all. simpl. apply app_nil_r. }
      rewrite Eh. apply held_sat. intros HN j J. destruct (AN HN) as [AA _]. apply AA; assumption. }
    assert (Lh : length (repeat true H) = length (firstn H us)).
    { rewrite repeat_length, firstn_length. unfold us, rs, rows, H. rewrite map_length, app_length. lia. }
    destruct (cover_sound _ _ _ _ ps (c i) Lh CW Sh) as (sigma & Is & S). rewrite firstn_skipn in S.
    assert (Sg : exists s, In (s, sigma) ts /\ unit_sign (w i) = Q2R (sgn (s, sigma))).
    { unfold ts, types_of. destruct (nonneg p) eqn:HN.
      - exists true. split; [apply in_map; assumption|]. destruct (AN eq_refl) as [_ Aw]. unfold unit_sign, sgn. simpl fst.
        destruct (Rle_dec 0 (w i)) as [|X]; [symmetry; apply Q2R_1 | destruct X; apply Aw; assumption].
      - unfold unit_sign, sgn. destruct (Rle_dec 0 (w i)); [exists true | exists false]; (split; [apply in_flat_map; exists sigma; split; [assumption | simpl; auto]|]);
        simpl fst; cbv iota; unfold Q2R; simpl; lra. }
    destruct Sg as (s & Ii & Es). destruct (In_nth ts (s, sigma) (true, []) Ii) as (t & Lt & Et).
    exists t. rewrite Et. auto. }
  destruct (finite_choice n _ T) as (tt & Lt & HT). clear T.
  assert (B0 : forall t, In t tt -> (t < length ts)%nat).
  { intros t I. destruct (In_nth tt t O I) as (i & Li & <-). apply HT. lia. }
  assert (In0 : inside [(repeat true (length ts), n)] tt).
  { split.
    - intros l k [X|[]]. injection X as <- <-. rewrite count_all by assumption. assumption.
    - intros t I. exists (repeat true (length ts)), n. split; [left; reflexivity|]. unfold mem.
      rewrite nth_indep with (d' := true) by (rewrite repeat_length; apply B0; assumption). apply nth_repeat. }
  (* the criterion on the rows *)
  assert (J : problem_criterion p (Hidden n A b (Output w beta))
    = sum N (fun k => vec ws k * ((sum n (fun i => unit_sign (w i) * g i k) + beta - vec ys k) ^ 2 + lambda * sum n (fun i => g i k ^ 2)))).
  { rewrite reduced; [|assumption | assumption | intros X i I; destruct (AB X) as [Y _]; apply Y; assumption].
    match goal with |- total _ ?h = _ => set (f := h) end.
    assert (Z : total (held p) f = 0).
    { unfold held. destruct (nonneg p); [|reflexivity]. rewrite total_map. unfold f. cbn [rw].
      rewrite (total_ext _ _ (fun _ => 0 * 0)) by (intros; rewrite Q2R_0; ring). rewrite total_scale. ring. }
    rewrite <- (Rplus_0_l (total (points p) f)), <- Z, <- total_app. change (held p ++ points p) with rs.
    rewrite (total_nth rs f no_row). unfold N, us. rewrite map_length. apply sum_ext. intros k K.
    unfold f, g, c, ws, ys, us. rewrite vec_rw, vec_ry, nth_ru. reflexivity. }
  rewrite J. clear J.
  (* any vectors of these types, with the signs of this network *)
  set (good := fun (vs : list nat) (a : nat -> nat -> R) => length vs = n /\
     forall i, (i < n)%nat -> (nth i vs O < length ts)%nat /\ sat us (snd (nth (nth i vs O) ts (true, []))) (a i)
       /\ unit_sign (w i) = Q2R (sgn (nth (nth i vs O) ts (true, [])))).
  set (part := fun (a : nat -> nat -> R) k => vec ws k * ((sum n (fun i => unit_sign (w i) * relu (ip (a i) (nth k us []))) + beta - vec ys k) ^ 2
     + lambda * sum n (fun i => relu (ip (a i) (nth k us [])) ^ 2))).
  set (P := fun vs => forall a, good vs a -> Q2R lower <= sum N (part a)).
  change (Q2R lower <= sum N (part c)).
  assert (Pt : P tt); [|apply Pt; split; [assumption | exact HT]].
  refine (walk_sound _ _ (length ts) P _ _ _ _ _ tt B0 In0 CT); clear tt Lt HT In0 CT B0 c g.
  2: { intros h Ih. apply in_map_iff in Ih. destruct Ih as (v & <- & Iv). rewrite forallb_forall in CM.
       destruct (move_sound _ _ _ _ _ _ (CM v Iv)) as (ML & MT & MR).
       split; [exact ML|]. split; [intros t T; apply MT; assumption|].
       intros vs PV a [GL GA]. specialize (PV (fun i => turned v (a i))).
       assert (G : good (map (image (moved v)) vs) (fun i => turned v (a i))).
       { split; [rewrite map_length; assumption|]. intros i I. destruct (GA i I) as (A1 & A2 & A3).
         rewrite nth_indep with (d' := image (moved v) O) by (rewrite map_length, GL; assumption). rewrite map_nth.
         destruct (MT _ A1) as (B1 & B2 & B3). split; [exact B1|]. split; [apply B3; exact A2|].
         rewrite A3. unfold sgn. rewrite B2. reflexivity. }
       specialize (PV G). eapply Rle_trans; [exact PV|]. apply Req_le.
       assert (HP : permutes N (places v) = true).
       { specialize (CM v Iv). unfold move_ok in CM. rewrite !andb_true_iff in CM. unfold N. tauto. }
       rewrite <- (sum_permuted N (places v) (part a) HP). apply sum_ext. intros k K.
       destruct (MR k K) as (_ & E1 & E2 & E3). unfold part. rewrite E1, E2. f_equal. f_equal.
       - f_equal. f_equal. f_equal. apply sum_ext. intros i I. rewrite E3. reflexivity.
       - f_equal. apply sum_ext. intros i I. rewrite E3. reflexivity. }
  intros i gs vs HI HL c [Lt HT]. unfold part. clear P part good.
  set (g := fun i k => relu (ip (c i) (nth k us []))).
  change (Q2R lower <= sum N (fun k => vec ws k * ((sum n (fun i => unit_sign (w i) * g i k) + beta - vec ys k) ^ 2 + lambda * sum n (fun i => g i k ^ 2)))).
  destruct (nth_error (map _ (cuts cert)) i) as [[bs kaps]|] eqn:Ei; [|discriminate].
  rewrite nth_error_map in Ei. destruct (nth_error (cuts cert) i) as [cu|] eqn:Ec; [|discriminate].
  cbn [option_map] in Ei. injection Ei as <- <-. rewrite forallb_forall in CC. specialize (CC cu (nth_error_In _ _ Ec)).
  unfold cut_ok in CC. cbv zeta in CC. apply andb_prop in CC. destruct CC as [CB CC]. rewrite forallb_forall in CC.
  set (z := res cu) in *.
  set (kap := fun t => nth t (kappas nz us ws ts cu) 0%Q).
  assert (Wn : forall k, (k < N)%nat -> 0 <= vec ws k) by (intros; apply nonneg_vec; assumption).
  assert (K1 : forall t, (t < length ts)%nat -> kap t = kappa nz us ws (mean cu) (both_squares ws (mean cu)) (nth t ts (true, [])) (nth t (wits cu) None)).
  { intros t Ht. unfold kap, kappas. set (h := fun e => kappa nz us ws (mean cu) (both_squares ws (mean cu)) (fst e) (snd e)).
    rewrite nth_indep with (d' := h ((true, []), None)) by (rewrite map_length, with_witnesses_length; assumption).
    rewrite (map_nth h), with_witnesses_nth by assumption. reflexivity. }
  assert (K2 : forall t o, Q2R (kappa nz us ws (mean cu) (both_squares ws (mean cu)) t o) = sum N (fun k => vec ws k * vec (fst (witness nz us ws (mean cu) t o)) k ^ 2)).
  { intros t o. rewrite kappa_sum, Lw. reflexivity. }
  assert (K0 : forall t, 0 <= Q2R (kap t)).
  { intros t. destruct (Nat.lt_ge_cases t (length ts)) as [X|X].
    - rewrite K1, K2 by assumption. apply sum_nonneg. intros k Hk. apply Rmult_le_pos; [auto | apply pow2_ge_0].
    - unfold kap, kappas. rewrite nth_overflow by (rewrite map_length, with_witnesses_length; assumption). rewrite Q2R_0. lra. }
  unfold enough in HL. apply Qle_bool_iff, Qle_Rle in HL.
  rewrite Q2R_plus in HL. unfold Qdiv in HL. rewrite Q2R_mult, Q2R_inv', Q2R_mult, Q2R_inv', Q2R_minus, Q2R_1 in HL.
  change (Q2R (rate1 p) * / (1 - Q2R (rate1 p))) with lambda in HL.
  pose proof (spent_most (kappas nz us ws ts cu) gs vs K0 HI) as SM. unfold spent in SM. rewrite (total_seq vs n) in SM by assumption.
  fold kap in SM. change (fun i => Q2R (nth (nth i vs O) (kappas nz us ws ts cu) 0%Q)) with (fun i => Q2R (kap (nth i vs O))) in SM.
  assert (IL : 0 < / lambda) by (apply Rinv_0_lt_compat; assumption).
  apply (Rmult_le_compat_r (/ lambda)) in SM; [|lra].
  eapply Rle_trans; [|apply (cut_bound N n (vec ws) (vec ys) (vec z) (fun i => unit_sign (w i)) g beta lambda Wn)].
  2: { destruct (biases p) eqn:HB.
       - right. cbn [negb orb] in CB. apply Qeq_bool_iff, Qeq_eqR in CB. rewrite dot_sum, Q2R_0, Lw in CB. exact CB.
       - left. destruct (AB eq_refl) as [_ B0]. exact B0. }
  assert (BB : Q2R (base ws ys z) = - sum N (fun k => vec ws k * (2 * vec z k * vec ys k + vec z k ^ 2))).
  { unfold base. rewrite Q2R_opp, dot_sum, Lw. f_equal. apply sum_ext. intros k _. rewrite vec_mul, vec_add, vec_twice. ring. }
  rewrite <- BB.
  assert (U : - (sum n (fun i => Q2R (kap (nth i vs O))) * / lambda)
     <= sum n (fun i => 2 * unit_sign (w i) * sum N (fun k => vec ws k * vec z k * g i k) + lambda * sum N (fun k => vec ws k * g i k ^ 2))).
  { replace (- (sum n (fun i => Q2R (kap (nth i vs O))) * / lambda)) with (sum n (fun i => - / lambda * Q2R (kap (nth i vs O)))) by (rewrite sum_scale; ring).
    apply sum_le. intros j Hj. destruct (HT j Hj) as (T1 & T2 & T3). rewrite K1, K2, T3 by assumption.
    match goal with |- - / lambda * ?x <= _ => replace (- / lambda * x) with (- (x / lambda)) by (unfold Rdiv; ring) end.
    apply (unit_bound N (vec ws) (vec z) (fun k => g j k)); [assumption | assumption|].
    assert (OK := CC (nth (nth j vs O) (with_witnesses ts (wits cu)) ((true, []), None))
      ltac:(apply nth_In; rewrite with_witnesses_length; assumption)). cbv beta in OK.
    rewrite with_witnesses_nth in OK by assumption. cbn [fst snd] in OK.
    exact (type_sound _ ws us z (mean cu) _ _ (c j) Lw (fun X => X) (fun k => nonneg_vec ws k CP) OK T2). }
  lra.
Qed.
