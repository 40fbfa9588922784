(* The tree over the numbers of units of each type, in which images under symmetries may be left out. *)

From Dropout Require Import Definitions Expectations Theorem_18 Rationals.
Require Import QArith Qreals Qminmax Bool Arith FMapPositive.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- sets of types ----------------------------------------------------------------------------------------------- *)

(* A set of types is a list of Booleans; types beyond its end are not in it. *)
Definition mem (t : nat) (l : list bool) : bool := nth t l false.

Fixpoint both (l m : list bool) : list bool :=
  match l, m with a :: l', b :: m' => (a && b) :: both l' m' | _, _ => [] end.
Fixpoint without (l m : list bool) : list bool :=
  match l, m with a :: l', b :: m' => (a && negb b) :: without l' m' | [], _ => [] | _, [] => l end.
Fixpoint either (l m : list bool) : list bool :=
  match l, m with a :: l', b :: m' => (a || b) :: either l' m' | [], _ => m | _, [] => l end.
Fixpoint same_types (l m : list bool) : bool :=
  match l, m with a :: l', b :: m' => eqb a b && same_types l' m' | [], _ => forallb negb m | _, [] => forallb negb l end.

(* In generated data: the types of a set, each as the number of types between it and the one before. *)
Definition types_at (gaps : list nat) : list bool := flat_map (fun g => repeat false g ++ [true]) gaps.

Lemma mem_nil t : mem t [] = false.
Proof. destruct t; reflexivity. Qed.

Lemma mem_both t l m : mem t (both l m) = mem t l && mem t m.
Proof.
  unfold mem. revert l m; induction t as [|t IH]; intros [|a l] [|b m]; simpl; rewrite ?andb_false_r; try reflexivity. apply IH.
Qed.

Lemma mem_without t l m : mem t (without l m) = mem t l && negb (mem t m).
Proof.
  unfold mem. revert l m; induction t as [|t IH]; intros [|a l] [|b m]; simpl; rewrite ?andb_true_r; try reflexivity. apply IH.
Qed.

Lemma mem_either t l m : mem t (either l m) = mem t l || mem t m.
Proof.
  unfold mem. revert l m; induction t as [|t IH]; intros [|a l] [|b m]; simpl; rewrite ?orb_false_r; try reflexivity. apply IH.
Qed.

Lemma none_mem l t : forallb negb l = true -> mem t l = false.
Proof.
  unfold mem. revert t; induction l as [|a l IH]; intros [|t] H; simpl in *; try reflexivity;
    apply andb_prop in H; destruct H as [A H]; [destruct a; [discriminate | reflexivity] | apply IH; assumption].
Qed.

Lemma same_types_mem l m t : same_types l m = true -> mem t l = mem t m.
Proof.
  revert m t; induction l as [|a l IH]; intros [|b m] t H.
  - reflexivity.
  - rewrite (none_mem (b :: m)) by exact H. apply mem_nil.
  - rewrite (none_mem (a :: l)) by exact H. symmetry. apply mem_nil.
  - simpl in H. apply andb_prop in H. destruct H as [A H]. apply eqb_prop in A. subst. unfold mem in *.
    destruct t; simpl; [reflexivity | apply IH; assumption].
Qed.

(* ---- tables and images ------------------------------------------------------------------------------------------- *)

(* A list as a table, which is read at 1, 2, ... in logarithmic time. *)
Fixpoint table {T} (l : list T) (i : positive) : PositiveMap.t T :=
  match l with [] => PositiveMap.empty T | a :: l' => PositiveMap.add i a (table l' (Pos.succ i)) end.

Definition index (p : positive) : nat := pred (Pos.to_nat p).

Lemma find_table {T} (l : list T) i k : PositiveMap.find (Pos.of_nat (Pos.to_nat i + k)) (table l i) = nth_error l k.
Proof.
  revert i k; induction l as [|a l IH]; intros i k; cbn [table].
  - rewrite PositiveMap.gempty. destruct k; reflexivity.
  - destruct k as [|k].
    + rewrite Nat.add_0_r, Pos2Nat.id. apply PositiveMap.gss.
    + rewrite PositiveMap.gso.
      * cbn [nth_error]. rewrite <- (IH (Pos.succ i) k), Pos2Nat.inj_succ. do 2 f_equal. lia.
      * intros E. apply (f_equal Pos.to_nat) in E. rewrite Nat2Pos.id in E by lia. lia.
Qed.

Lemma find_index {T} (l : list T) p : PositiveMap.find p (table l 1) = nth_error l (index p).
Proof.
  rewrite <- (find_table l 1 (index p)). f_equal. unfold index. rewrite Pos2Nat.inj_1.
  pose proof (Pos2Nat.is_pos p). replace (1 + pred (Pos.to_nat p))%nat with (Pos.to_nat p) by lia. symmetry. apply Pos2Nat.id.
Qed.

(* A map of types, the image of type t being entry t, counted from 1; and the types whose image is in a set. *)
Definition image (h : list positive) (t : nat) : nat := index (nth t h 1%positive).

Definition pulled (h : list positive) (l : list bool) : list bool :=
  let m := table l 1 in map (fun p => match PositiveMap.find p m with Some b => b | None => false end) h.

Lemma mem_pulled h l t : (t < length h)%nat -> mem t (pulled h l) = mem (image h t) l.
Proof.
  intros H. unfold mem, pulled, image. cbv zeta.
  set (f := fun p => match PositiveMap.find p (table l 1) with Some b => b | None => false end).
  rewrite nth_indep with (d' := f 1%positive) by (rewrite map_length; assumption). rewrite map_nth. unfold f. rewrite find_index.
  unfold PositiveMap.key. generalize (index (nth t h 1%positive)). intros k. destruct (nth_error l k) eqn:E.
  - symmetry. exact (nth_error_nth l k false E).
  - symmetry. apply nth_overflow, nth_error_None, E.
Qed.

(* ---- the tree ---------------------------------------------------------------------------------------------------- *)

Definition group := (list bool * nat)%type.     (* a set of types and the number of units in it *)

(* Node: child a has a units in the part of the first group, and the others in the rest. Orbit: the same for a >= 1, but
   where there is none in the part there is none in its images under the symmetries either, or a symmetric network had one. *)
Inductive tree :=
  | Leaf (c : nat)
  | Turn (below : tree)
  | Node (part : list bool) (children : list tree)
  | Orbit (part : list bool) (symmetries : list nat) (none : tree) (some : list tree).

Definition stable (gs : list group) (h : list positive) : bool := forallb (fun g => same_types (pulled h (fst g)) (fst g)) gs.

Definition images (hs : list (list positive)) (part : list bool) : list bool :=
  fold_right (fun h s => either (pulled h part) s) part hs.

Definition chosen (moves : list (list positive)) (is : list nat) : list (list positive) :=
  flat_map (fun i => match nth_error moves i with Some h => [h] | None => [] end) is.

(* leaf i gs: cut i is enough for these groups. *)
Fixpoint walk (leaf : nat -> list group -> bool) (moves : list (list positive)) (fuel : nat) (t : tree) (gs : list group) : bool :=
  match fuel with
  | O => false
  | S f =>
      match t, gs with
      | Leaf i, _ => leaf i gs
      | _, [] => false
      | Turn below, g :: r => walk leaf moves f below (r ++ [g])
      | Node part children, (l, k) :: r =>
          forallb (fun a => match nth_error children a with
                            | Some child => walk leaf moves f child ((without l part, k - a)%nat :: (both l part, a) :: r)
                            | None => false
                            end) (seq 0 (S k))
      | Orbit part is none some, (l, k) :: r =>
          let hs := chosen moves is in
          let gone := images hs part in
          forallb (stable gs) hs &&
          walk leaf moves f none ((without l gone, k) :: (both l gone, O) :: r) &&
          forallb (fun a => match nth_error some a with
                            | Some child => walk leaf moves f child ((without l part, k - S a)%nat :: (both l part, S a) :: r)
                            | None => false
                            end) (seq 0 k)
      end
  end.

Fixpoint count (l : list bool) (ts : list nat) : nat :=
  match ts with [] => O | t :: r => ((if mem t l then 1 else 0) + count l r)%nat end.

Definition inside (gs : list group) (ts : list nat) : Prop :=
  (forall l k, In (l, k) gs -> count l ts = k) /\ (forall t, In t ts -> exists l k, In (l, k) gs /\ mem t l = true).

Lemma count_split l part ts : count l ts = (count (without l part) ts + count (both l part) ts)%nat.
Proof.
  induction ts as [|v r IH]; cbn [count]; [reflexivity|].
  rewrite mem_without, mem_both, IH. destruct (mem v l), (mem v part); simpl; lia.
Qed.

Lemma count_none l ts : (forall t, In t ts -> mem t l = false) -> count l ts = O.
Proof.
  induction ts as [|v r IH]; intros H; cbn [count]; [reflexivity|].
  rewrite H by (left; reflexivity). rewrite IH by (intros; apply H; right; assumption). reflexivity.
Qed.

Lemma count_some l ts t : In t ts -> mem t l = true -> (1 <= count l ts)%nat.
Proof.
  induction ts as [|v r IH]; intros I M; [contradiction|]. cbn [count]. destruct I as [->|I].
  - rewrite M. lia.
  - specialize (IH I M). lia.
Qed.

Lemma inside_split l k r part ts a : inside ((l, k) :: r) ts -> count (both l part) ts = a ->
  inside ((without l part, k - a)%nat :: (both l part, a) :: r) ts.
Proof.
  intros [H1 H2] A. pose proof (H1 l k (or_introl eq_refl)) as HK. pose proof (count_split l part ts) as HS. split.
  - intros l' k' [E | [E | J]]; [inversion E; subst; lia | inversion E; subst; reflexivity | apply H1; right; assumption].
  - intros v J. destruct (H2 v J) as (l' & k' & [E | Q] & M).
    + injection E as E1 E2. subst l' k'. destruct (mem v part) eqn:F.
      * exists (both l part), a. split; [right; left; reflexivity | rewrite mem_both, M, F; reflexivity].
      * exists (without l part), (k - a)%nat. split; [left; reflexivity | rewrite mem_without, M, F; reflexivity].
    + exists l', k'. split; [right; right; assumption | assumption].
Qed.

Lemma inside_turn g r ts : inside (g :: r) ts -> inside (r ++ [g]) ts.
Proof.
  intros [H1 H2]. split.
  - intros l k I. apply H1. apply in_app_or in I. destruct I as [I | [I | []]]; [right | left]; assumption.
  - intros v I. destruct (H2 v I) as (l & k & J & M). exists l, k. split; [|assumption].
    apply in_or_app. destruct J as [J | J]; [right; left | left]; assumption.
Qed.

Lemma inside_image h gs ts : (forall t, In t ts -> (t < length h)%nat) -> stable gs h = true -> inside gs ts ->
  inside gs (map (image h) ts).
Proof.
  intros HT S [H1 H2]. unfold stable in S. rewrite forallb_forall in S.
  assert (M : forall l k t, In (l, k) gs -> (t < length h)%nat -> mem (image h t) l = mem t l).
  { intros l k t I L. rewrite <- mem_pulled by assumption. apply same_types_mem. exact (S (l, k) I). }
  split.
  - intros l k I. rewrite <- (H1 l k I). clear H1 H2. induction ts as [|t ts IH]; cbn [map count]; [reflexivity|].
    rewrite (M l k t I), IH by (intros; apply HT; simpl; auto). reflexivity.
  - intros t I. apply in_map_iff in I. destruct I as (u & <- & I). destruct (H2 u I) as (l & k & J & X).
    exists l, k. split; [assumption|]. rewrite (M l k u J) by (apply HT; assumption). exact X.
Qed.

Lemma mem_images hs part t : mem t (images hs part) = true ->
  mem t part = true \/ exists h, In h hs /\ mem t (pulled h part) = true.
Proof.
  induction hs as [|h hs IH]; cbn [images fold_right]; intros H; [left; assumption|].
  rewrite mem_either in H. apply orb_prop in H. destruct H as [H|H].
  - right. exists h. split; [left; reflexivity | assumption].
  - destruct (IH H) as [A | (g & A & B)]; [left; assumption|]. right. exists g. split; [right; assumption | assumption].
Qed.

Lemma chosen_In moves is h : In h (chosen moves is) -> In h moves.
Proof.
  intros I. apply in_flat_map in I. destruct I as (i & _ & J). destruct (nth_error moves i) eqn:E; [|contradiction].
  destruct J as [->|[]]. exact (nth_error_In _ _ E).
Qed.

(* What holds for all lists of types that a leaf allows, and for a list whenever for its image, holds for all lists. *)
Lemma walk_sound leaf moves T (P : list nat -> Prop) :
  (forall i gs ts, inside gs ts -> leaf i gs = true -> P ts) ->
  (forall h, In h moves -> length h = T /\ (forall t, (t < T)%nat -> (image h t < T)%nat) /\
     (forall ts, P (map (image h) ts) -> P ts)) ->
  forall fuel t gs ts, (forall v, In v ts -> (v < T)%nat) -> inside gs ts -> walk leaf moves fuel t gs = true -> P ts.
Proof.
  intros HL HM. induction fuel as [|f IH]; intros t gs ts HT HI HW; [discriminate|].
  destruct t as [i | below | part children | part is none some]; cbn [walk] in HW.
  - exact (HL i gs ts HI HW).
  - destruct gs as [|g r]; [discriminate|]. exact (IH below (r ++ [g]) ts HT (inside_turn g r ts HI) HW).
  - destruct gs as [|[l k] r]; [discriminate|]. rewrite forallb_forall in HW.
    pose proof (proj1 HI l k (or_introl eq_refl)) as HK. pose proof (count_split l part ts) as HS.
    assert (I : In (count (both l part) ts) (seq 0 (S k))) by (apply in_seq; lia).
    specialize (HW _ I). destruct (nth_error children (count (both l part) ts)) as [child|]; [|discriminate].
    exact (IH _ _ ts HT (inside_split l k r part ts _ HI eq_refl) HW).
  - destruct gs as [|[l k] r]; [discriminate|]. cbv zeta in HW. rewrite !andb_true_iff in HW. destruct HW as [[HS HN] HW].
    rewrite forallb_forall in HS, HW.
    assert (Some : forall vs, (forall v, In v vs -> (v < T)%nat) -> inside ((l, k) :: r) vs -> (1 <= count (both l part) vs)%nat -> P vs).
    { intros vs VT VI V1. pose proof (proj1 VI l k (or_introl eq_refl)) as HK. pose proof (count_split l part vs) as HC.
      set (a := count (both l part) vs) in *. assert (I : In (pred a) (seq 0 k)) by (apply in_seq; lia).
      specialize (HW _ I). destruct (nth_error some (pred a)) as [child|]; [|discriminate].
      replace (S (pred a)) with a in HW by lia. exact (IH _ _ vs VT (inside_split l k r part vs a VI eq_refl) HW). }
    destruct (existsb (fun t => mem t l && mem t (images (chosen moves is) part)) ts) eqn:E.
    + apply existsb_exists in E. destruct E as (t & It & E). apply andb_prop in E. destruct E as [Ml Mg].
      destruct (mem_images _ _ _ Mg) as [Mp | (h & Ih & Mp)].
      * apply Some; [assumption | assumption|]. apply (count_some _ _ t It). rewrite mem_both, Ml, Mp. reflexivity.
      * destruct (HM h (chosen_In _ _ _ Ih)) as (Lh & Rh & Ph). specialize (HS h Ih).
        assert (HT' : forall t, In t ts -> (t < length h)%nat) by (intros; rewrite Lh; apply HT; assumption).
        pose proof (inside_image h _ ts HT' HS HI) as HI'. apply Ph. apply Some; [|exact HI'|].
        -- intros v I. apply in_map_iff in I. destruct I as (u & <- & I). apply Rh, HT, I.
        -- apply (count_some _ _ (image h t)); [apply in_map; assumption|].
           unfold stable in HS. cbn [forallb fst] in HS. apply andb_prop in HS. destruct HS as [Hl _].
           apply (same_types_mem _ _ t) in Hl. rewrite mem_pulled in Hl, Mp by (apply HT'; assumption).
           rewrite mem_both, Hl, Ml, Mp. reflexivity.
    + refine (IH none _ ts HT _ HN).
      pose proof (inside_split l k r (images (chosen moves is) part) ts 0 HI) as X. rewrite Nat.sub_0_r in X. apply X.
      apply count_none. intros t It. rewrite mem_both. apply not_true_iff_false. intros Y.
      apply not_true_iff_false in E. apply E. apply existsb_exists. exists t. split; assumption.
Qed.

(* ---- what the units of a node may lose --------------------------------------------------------------------------- *)

Fixpoint largest (kaps : list Q) (l : list bool) : Q :=
  match l, kaps with a :: l', k :: kaps' => if a then Qmax k (largest kaps' l') else largest kaps' l' | _, _ => 0%Q end.

Definition most (kaps : list Q) (gs : list group) : Q :=
  fold_right (fun g m => if Nat.eqb (snd g) 0 then m else Qred (inject_Z (Z.of_nat (snd g)) * largest kaps (fst g) + m))%Q 0%Q gs.

Lemma Q2R_max_l a b : Q2R a <= Q2R (Qmax a b).
Proof. apply Qle_Rle, Q.le_max_l. Qed.
Lemma Q2R_max_r a b : Q2R b <= Q2R (Qmax a b).
Proof. apply Qle_Rle, Q.le_max_r. Qed.

Lemma largest_nonneg kaps l : 0 <= Q2R (largest kaps l).
Proof.
  revert kaps; induction l as [|a l IH]; intros [|k kaps]; cbn [largest]; rewrite ?Q2R_0; try lra.
  destruct a; [|apply IH]. eapply Rle_trans; [apply (IH kaps) | apply Q2R_max_r].
Qed.

Lemma largest_mem kaps l t : mem t l = true -> Q2R (nth t kaps 0%Q) <= Q2R (largest kaps l).
Proof.
  unfold mem. revert kaps t; induction l as [|a l IH]; intros kaps t M; [destruct t; discriminate|].
  destruct kaps as [|k kaps]; [destruct t; cbn [nth largest]; lra|].
  destruct t as [|t]; cbn [nth largest] in *; [subst; apply Q2R_max_l|].
  destruct a; [eapply Rle_trans; [apply IH; assumption | apply Q2R_max_r] | apply IH; assumption].
Qed.

Lemma Q2R_nat k : Q2R (inject_Z (Z.of_nat k)) = INR k.
Proof. unfold Q2R. simpl. rewrite <- INR_IZR_INZ. field. Qed.

Definition spent (kaps : list Q) (ts : list nat) : R := total ts (fun t => Q2R (nth t kaps 0%Q)).

Lemma spent_group kaps l ts :
  total ts (fun t => if mem t l then Q2R (nth t kaps 0%Q) else 0) <= INR (count l ts) * Q2R (largest kaps l).
Proof.
  unfold total. induction ts as [|t ts IH]; cbn [fold_right count]; [simpl; lra|].
  rewrite plus_INR. destruct (mem t l) eqn:M; simpl INR; [apply (largest_mem kaps) in M|]; lra.
Qed.

Lemma spent_groups kaps (gs : list group) ts : (forall t, 0 <= Q2R (nth t kaps 0%Q)) ->
  (forall t, In t ts -> exists l k, In (l, k) gs /\ mem t l = true) ->
  spent kaps ts <= total gs (fun g => total ts (fun t => if mem t (fst g) then Q2R (nth t kaps 0%Q) else 0)).
Proof.
  intros HK H2. set (kap := fun t => Q2R (nth t kaps 0%Q)). change (forall t, 0 <= kap t) in HK.
  change (spent kaps ts <= total gs (fun g => total ts (fun t => if mem t (fst g) then kap t else 0))).
  unfold spent. fold kap. change (fun t => Q2R (nth t kaps 0%Q)) with kap.  induction ts as [|t ts IH].
    - rewrite (total_ext gs _ (fun _ => 0 * 0)) by (intros; unfold total; simpl; ring). rewrite total_scale.
      unfold total at 1; simpl fold_right. lra.
    - assert (S : total gs (fun g => total (t :: ts) (fun t => if mem t (fst g) then kap t else 0))
        = total gs (fun g => if mem t (fst g) then kap t else 0) + total gs (fun g => total ts (fun t => if mem t (fst g) then kap t else 0))).
      { rewrite <- total_plus. reflexivity. }
      rewrite S. change (total (t :: ts) kap) with (kap t + total ts kap).
      apply Rplus_le_compat; [|apply IH; intros; apply H2; right; assumption].
      destruct (H2 t (or_introl eq_refl)) as (l & k & I & M). clear - HK I M.
      induction gs as [|g gs IH]; [contradiction|]. rewrite total_cons. destruct I as [->|I].
      + cbn [fst]. rewrite M. assert (0 <= total gs (fun g => if mem t (fst g) then kap t else 0)); [|lra].
        apply total_nonneg. intros g _. specialize (HK t). destruct (mem t (fst g)); lra.
      + specialize (IH I). assert (0 <= (if mem t (fst g) then kap t else 0)) by (specialize (HK t); destruct (mem t (fst g)); lra). lra.
Qed.

Lemma spent_most kaps gs ts : (forall t, 0 <= Q2R (nth t kaps 0%Q)) -> inside gs ts -> spent kaps ts <= Q2R (most kaps gs).
Proof.
  intros HK [H1 H2]. set (kap := fun t => Q2R (nth t kaps 0%Q)).
  eapply Rle_trans; [exact (spent_groups kaps gs ts HK H2)|].
  change (total gs (fun g => total ts (fun t => if mem t (fst g) then kap t else 0)) <= Q2R (most kaps gs)). clear H2.
  unfold most. induction gs as [|[l k] gs IH]; [simpl; rewrite Q2R_0; lra|].
  cbn [fold_right fst snd]. rewrite total_cons. cbn [fst].
  assert (B := spent_group kaps l ts). rewrite (H1 l k (or_introl eq_refl)) in B. fold kap in B.
  change (fun t => if mem t l then Q2R (nth t kaps 0%Q) else 0) with (fun t => if mem t l then kap t else 0) in B.
  specialize (IH (fun l' k' I => H1 l' k' (or_intror I))). destruct (Nat.eqb_spec k 0) as [->|Ne].
  - simpl in B. lra.
  - autorewrite with q2r. rewrite Q2R_nat. lra.
Qed.
