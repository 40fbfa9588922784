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
