(* The cover of all units by types, and symmetries. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals Certificate Certificate_walk.
Require Import QArith Qreals Qminmax Bool Arith FMapPositive Permutation.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- every vector c has one of the listed patterns --------------------------------------------------------------- *)

(* A row splits into c . u >= 0 and c . u <= 0; or its sign follows from the rows before it, by multipliers; a leaf comes
   after the last row. *)
Inductive cover := CLeaf | CKnown (yes : bool) (mult : list Q) (below : cover) | CSplit (yes no : cover).

(* +- u = sum of +- mult v over the rows v before u *)
Definition known (before : list (list Q)) (path : list bool) (yes : bool) (mult : list Q) (u : list Q) : bool :=
  forallb (Qle_bool 0) mult && is_zero (qadd (if yes then u else map (Qmult (-1)) u) (comb (against path mult) before)).

Fixpoint cover_walk (t : cover) (before rest : list (list Q)) (path : list bool) : option (list (list bool)) :=
  match t, rest with
  | CLeaf, [] => Some [path]
  | CKnown yes mult below, u :: rest' =>
      if known before path yes mult u then cover_walk below (before ++ [u]) rest' (path ++ [yes]) else None
  | CSplit yes no, u :: rest' =>
      match cover_walk yes (before ++ [u]) rest' (path ++ [true]), cover_walk no (before ++ [u]) rest' (path ++ [false]) with
      | Some a, Some b => Some (a ++ b)
      | _, _ => None
      end
  | _, _ => None
  end.

Lemma sat_snoc us sigma c u (k : bool) :
  length sigma = length us -> sat us sigma c -> (if k then 0 <= ip c u else ip c u <= 0) -> sat (us ++ [u]) (sigma ++ [k]) c.
Proof.
  intros L S H i I. rewrite app_length in I. simpl in I. destruct (Nat.eq_dec i (length us)) as [->|N].
  - replace (nth (length us) (sigma ++ [k]) false) with k by (rewrite <- L; symmetry; apply nth_middle).
    replace (nth (length us) (us ++ [u]) []) with u by (symmetry; apply nth_middle). exact H.
  - rewrite !app_nth1 by lia. apply S. lia.
Qed.

Lemma known_sound us path yes mult u c : known us path yes mult u = true -> sat us path c ->
  if yes then 0 <= ip c u else ip c u <= 0.
Proof.
  intros H S. unfold known in H. apply andb_prop in H. destruct H as [M Z].
  apply (ip_zero c) in Z. rewrite ip_add in Z. pose proof (against_nonpositive us path mult c S M) as N.
  destruct yes; [lra|]. rewrite ip_scale in Z. replace (Q2R (-1)) with (-1) in Z by (unfold Q2R; simpl; lra). lra.
Qed.

Lemma cover_sound t before rest path ps c :
  length path = length before -> cover_walk t before rest path = Some ps -> sat before path c ->
  exists sigma, In sigma ps /\ sat (before ++ rest) sigma c.
Proof.
  revert before rest path ps; induction t as [|known_ mult below IH|yes IHy no IHn]; intros before rest path ps L H S; cbn [cover_walk] in H.
  - destruct rest; [|discriminate]. injection H as <-. exists path. rewrite app_nil_r. split; [left; reflexivity | assumption].
  - destruct rest as [|u rest]; [discriminate|]. destruct (known before path known_ mult u) eqn:X; [|discriminate].
    replace (before ++ u :: rest) with ((before ++ [u]) ++ rest) by (rewrite <- app_assoc; reflexivity).
    apply (IH (before ++ [u]) rest (path ++ [known_]) ps); [rewrite !app_length; simpl; lia | exact H|].
    apply sat_snoc; [assumption | assumption | exact (known_sound before path known_ mult u c X S)].
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

(* A permutation of the coordinates of c, with factors (1 where the list ends), and one of the rows under which the problem stays
   the same, and the type to which each type moves, counted from 1. *)
Record move := Move { coordinates : list nat; factors : list Q; places : list nat; moved : list positive }.

Definition permutes (n : nat) (l : list nat) : bool := Nat.eqb (length l) n && forallb (fun i => existsb (Nat.eqb i) l) (seq 0 n).

Definition moved_type_ok (N : nat) (ps : list nat) (table_ : PositiveMap.t type_) (e : positive * type_) : bool :=
  match PositiveMap.find (fst e) table_ with
  | Some t => eqb (fst t) (fst (snd e)) &&
      forallb (fun k => eqb (nth k (snd t) false) (nth (nth k ps O) (snd (snd e)) false)) (seq 0 N)
  | None => false
  end.

(* Entry j of u times factor j is entry (coordinate j) of the row to which u goes; for rows without weight up to one more factor. *)
Definition stretched (D : nat) (v : move) (u : list Q) : list Q := map (fun j => (nth j (factors v) 1 * nth j u 0)%Q) (seq 0 D).
Definition reordered (D : nat) (v : move) (u : list Q) : list Q := map (fun j => nth (nth j (coordinates v) O) u 0%Q) (seq 0 D).
Definition parallel (a b : list Q) : bool :=
  same a b || (let ab := qdot a b in let bb := qdot b b in
    negb (Qle_bool ab 0) && negb (Qle_bool bb 0) && same (map (Qmult bb) a) (map (Qmult ab) b)).

Definition move_ok (ws ys : list Q) (us : list (list Q)) (ts : list type_) (D : nat) (v : move) : bool :=
  permutes D (coordinates v) && permutes (length us) (places v) && forallb (fun u => Nat.eqb (length u) D) us &&
  forallb (fun k => let k' := nth k (places v) O in let w := nth k ws 0%Q in
    let a := stretched D v (nth k us []) in let b := reordered D v (nth k' us []) in
    Qeq_bool (nth k' ws 0%Q) w && if Qeq_bool w 0 then parallel a b else Qeq_bool (nth k' ys 0%Q) (nth k ys 0%Q) && same a b) (seq 0 (length us)) &&
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

Definition turned (v : move) (c : nat -> R) (j : nat) : R := Q2R (nth j (factors v) 1%Q) * c (nth j (coordinates v) O).

Lemma vec_listed D (f : nat -> Q) k : vec (map f (seq 0 D)) k = if (k <? D)%nat then Q2R (f k) else 0.
Proof.
  unfold vec. destruct (Nat.ltb_spec k D) as [L|L].
  - rewrite nth_indep with (d' := f O) by (rewrite map_length, seq_length; exact L). rewrite map_nth, seq_nth by exact L. reflexivity.
  - rewrite nth_overflow by (rewrite map_length, seq_length; exact L). apply Q2R_0.
Qed.

Lemma ip_listed D c (f : nat -> Q) : ip c (map f (seq 0 D)) = sum D (fun i => c i * Q2R (f i)).
Proof.
  rewrite ip_sum, map_length, seq_length. apply sum_ext. intros i I. rewrite vec_listed. apply Nat.ltb_lt in I. rewrite I. reflexivity.
Qed.

Lemma ip_stretched D v c u : length u = D -> ip (turned v c) u = ip (fun j => c (nth j (coordinates v) O)) (stretched D v u).
Proof.
  intros L. unfold stretched. rewrite ip_listed, ip_sum, L. apply sum_ext. intros j J. unfold turned. rewrite Q2R_mult.
  change (Q2R (nth j u 0%Q)) with (vec u j). ring.
Qed.

Lemma ip_reordered D v c u : length u = D -> permutes D (coordinates v) = true ->
  ip (fun j => c (nth j (coordinates v) O)) (reordered D v u) = ip c u.
Proof.
  intros L P. unfold reordered. rewrite ip_listed, ip_sum, L. exact (sum_permuted D (coordinates v) (fun i => c i * vec u i) P).
Qed.

Lemma parallel_sound a b : parallel a b = true -> exists r, 0 < r /\ forall c, ip c a = r * ip c b.
Proof.
  intros H. unfold parallel in H. cbv zeta in H. apply orb_prop in H. destruct H as [H|H].
  - exists 1. split; [lra|]. intros c. rewrite (same_ip _ _ c H). ring.
  - rewrite !andb_true_iff in H. destruct H as [[A B] H].
    assert (P : forall x, negb (Qle_bool x 0) = true -> 0 < Q2R x).
    { intros x X. rewrite <- Q2R_0. apply Qlt_Rlt, Qnot_le_lt. intros Y. apply Qle_bool_iff in Y. rewrite Y in X. discriminate. }
    apply P in A. apply P in B. exists (Q2R (qdot a b) / Q2R (qdot b b)). split; [apply Rdiv_lt_0_compat; assumption|].
    intros c. apply (same_ip _ _ c) in H. rewrite !ip_scale in H.
    apply (Rmult_eq_reg_l (Q2R (qdot b b))); [rewrite H; field; lra | lra].
Qed.

Lemma move_sound ws ys us ts D v : move_ok ws ys us ts D v = true ->
  length (moved v) = length ts
  /\ (forall t, (t < length ts)%nat -> (image (moved v) t < length ts)%nat
        /\ fst (nth (image (moved v) t) ts (true, [])) = fst (nth t ts (true, []))
        /\ forall c, sat us (snd (nth t ts (true, []))) c -> sat us (snd (nth (image (moved v) t) ts (true, []))) (turned v c))
  /\ (forall k, (k < length us)%nat -> vec ws (nth k (places v) O) = vec ws k
        /\ (vec ws k = 0 \/ (vec ys (nth k (places v) O) = vec ys k
              /\ forall c, ip (turned v c) (nth k us []) = ip c (nth (nth k (places v) O) us [])))).
Proof.
  intros H. unfold move_ok in H. rewrite !andb_true_iff in H. destruct H as [[[[[HC HP] HD] HR] HL] HT].
  apply Nat.eqb_eq in HL. rewrite forallb_forall in HD, HR, HT.
  assert (R : forall k, (k < length us)%nat -> (nth k (places v) O < length us)%nat /\ vec ws (nth k (places v) O) = vec ws k
        /\ exists r, 0 < r /\ (forall c, ip (turned v c) (nth k us []) = r * ip c (nth (nth k (places v) O) us []))
          /\ (vec ws k = 0 \/ (vec ys (nth k (places v) O) = vec ys k /\ r = 1))).
  { intros k K. assert (K' := permutes_lt _ _ _ HP K). split; [exact K'|].
    specialize (HR k ltac:(apply in_seq; lia)). cbv zeta in HR. rewrite andb_true_iff in HR. destruct HR as [RW RU].
    split; [unfold vec; apply Qeq_eqR, Qeq_bool_iff, RW|].
    assert (L1 : length (nth k us []) = D) by (apply Nat.eqb_eq, HD, nth_In; assumption).
    assert (L2 : length (nth (nth k (places v) O) us []) = D) by (apply Nat.eqb_eq, HD, nth_In; assumption).
    destruct (Qeq_bool (nth k ws 0%Q) 0) eqn:Z.
    - destruct (parallel_sound _ _ RU) as (r & P & X). exists r. split; [exact P|]. split.
      + intros c. rewrite (ip_stretched D v c _ L1), X, (ip_reordered D v c _ L2 HC). reflexivity.
      + left. unfold vec. rewrite (Qeq_eqR _ _ (Qeq_bool_eq _ _ Z)). apply Q2R_0.
    - apply andb_prop in RU. destruct RU as [RY RU]. exists 1. split; [lra|]. split.
      + intros c. rewrite (ip_stretched D v c _ L1), (same_ip _ _ _ RU), (ip_reordered D v c _ L2 HC). ring.
      + right. split; [unfold vec; apply Qeq_eqR, Qeq_bool_iff, RY | reflexivity]. }
  split; [exact HL|]. split.
  2: { intros k K. destruct (R k K) as (_ & W & r & _ & X & [Z | [Y ->]]); split; try assumption; [left; exact Z | right].
       split; [exact Y|]. intros c. rewrite X. ring. }
  intros t T.
  assert (E : In (nth t (moved v) 1%positive, nth t ts (true, [])) (combine (moved v) ts)).
  { rewrite <- combine_nth by assumption. apply nth_In. rewrite combine_length, HL, Nat.min_id. assumption. }
  specialize (HT _ E). unfold moved_type_ok in HT. cbn [fst snd] in HT. rewrite find_index in HT. fold (image (moved v) t) in HT.
  destruct (nth_error ts (image (moved v) t)) as [t'|] eqn:F; [|discriminate].
  assert (B : (image (moved v) t < length ts)%nat) by (apply nth_error_Some; rewrite F; discriminate).
  apply andb_prop in HT. destruct HT as [S HT]. apply eqb_prop in S. rewrite forallb_forall in HT.
  assert (F' : nth (image (moved v) t) ts (true, []) = t') by (apply nth_error_nth; exact F).
  change (fst t' = fst (nth t ts (true, []))) in S.
  split; [exact B|]. split; [rewrite F'; exact S|]. rewrite F'.
  intros c HS k K. destruct (R k K) as (K' & _ & r & P & X & _). rewrite X. specialize (HT k ltac:(apply in_seq; lia)). apply eqb_prop in HT.
  rewrite HT. specialize (HS _ K'). destruct (nth _ (snd (nth t ts (true, []))) false); nra.
Qed.
