(* The cover of all units by types, the tree over the numbers of units of each type, and the theorem. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals Certificate.
Require Import QArith Qreals Qminmax Bool Arith.
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

(* ---- the tree ---------------------------------------------------------------------------------------------------- *)

Definition group := (list nat * nat)%type.     (* a set of types and the number of units in it *)
Definition mem (t : nat) (l : list nat) : bool := existsb (Nat.eqb t) l.
Definition without (l part : list nat) : list nat := filter (fun t => negb (mem t part)) l.

Inductive tree := Leaf (c : nat) | Turn (below : tree) | Node (part : list nat) (children : list tree).

Definition largest (kap : nat -> Q) (l : list nat) : Q := fold_right (fun t m => Qmax (kap t) m) 0%Q l.
Definition most (kap : nat -> Q) (gs : list group) : Q :=
  fold_right (fun g m => if Nat.eqb (snd g) 0 then m else Qred (inject_Z (Z.of_nat (snd g)) * largest kap (fst g) + m))%Q 0%Q gs.

(* leaf i gs: cut i is enough for these groups. *)
Fixpoint walk (leaf : nat -> list group -> bool) (fuel : nat) (t : tree) (gs : list group) : bool :=
  match fuel with
  | O => false
  | S f =>
      match t with
      | Leaf i => leaf i gs
      | Turn below => match gs with [] => false | g :: r => walk leaf f below (r ++ [g]) end
      | Node part children =>
          match gs with
          | [] => false
          | (l, k) :: r =>
              forallb (fun t => mem t l) part && Nat.eqb (length children) (S k) &&
              forallb (fun a => match nth_error children a with
                                | Some child => walk leaf f child ((without l part, k - a)%nat :: (part, a) :: r)
                                | None => false
                                end) (seq 0 (S k))
          end
      end
  end.

Fixpoint count (l ts : list nat) : nat := match ts with [] => O | t :: r => ((if mem t l then 1 else 0) + count l r)%nat end.

Definition inside (gs : list group) (ts : list nat) : Prop :=
  (forall l k, In (l, k) gs -> count l ts = k) /\ (forall t, In t ts -> exists l k, In (l, k) gs /\ In t l).

Lemma mem_In t l : mem t l = true <-> In t l.
Proof.
  unfold mem. rewrite existsb_exists. split.
  - intros [x [I E]]. apply Nat.eqb_eq in E. subst. assumption.
  - intros I. exists t. split; [assumption | apply Nat.eqb_refl].
Qed.

Lemma mem_without t l part : mem t (without l part) = mem t l && negb (mem t part).
Proof. apply eq_true_iff_eq. rewrite andb_true_iff, !mem_In. unfold without. rewrite filter_In. reflexivity. Qed.

Lemma count_split l part ts : forallb (fun t => mem t l) part = true ->
  count l ts = (count (without l part) ts + count part ts)%nat.
Proof.
  intros H. rewrite forallb_forall in H. induction ts as [|v r IH]; simpl; [reflexivity|].
  rewrite mem_without, IH. destruct (mem v part) eqn:E.
  - apply mem_In in E. rewrite (H _ E). simpl. lia.
  - rewrite andb_true_r. destruct (mem v l); simpl; lia.
Qed.

Lemma walk_sound leaf fuel t gs ts (P : Prop) :
  inside gs ts -> (forall i gs', inside gs' ts -> leaf i gs' = true -> P) -> walk leaf fuel t gs = true -> P.
Proof.
  intros HI HL. revert t gs HI. induction fuel as [|f IH]; intros t gs HI HW; [discriminate|].
  destruct t as [i | below | part children]; cbn [walk] in HW.
  - exact (HL i gs HI HW).
  - destruct gs as [|g r]; [discriminate|]. apply (IH below (r ++ [g])); [|exact HW].
    destruct HI as [H1 H2]. split.
    + intros l k I. apply H1. apply in_app_or in I. destruct I as [I | [I | []]]; [right | left]; assumption.
    + intros v I. destruct (H2 v I) as (l & k & J & M). exists l, k. split; [|assumption].
      apply in_or_app. destruct J as [J | J]; [right; left | left]; assumption.
  - destruct gs as [|[l k] r]; [discriminate|]. rewrite !andb_true_iff in HW. destruct HW as [[HP _] HW].
    destruct HI as [H1 H2]. pose proof (H1 l k (or_introl eq_refl)) as HK.
    pose proof (count_split l part ts HP) as HS. rewrite HK in HS.
    rewrite forallb_forall in HW. assert (I : In (count part ts) (seq 0 (S k))) by (apply in_seq; lia).
    specialize (HW _ I). destruct (nth_error children (count part ts)) as [child|]; [|discriminate].
    refine (IH child _ _ HW). split.
    + intros l' k' [E | [E | J]]; [inversion E; subst; lia | inversion E; subst; reflexivity | apply H1; right; assumption].
    + intros v J. destruct (H2 v J) as (l' & k' & [E | Q] & M).
      * injection E as E1 E2. subst l' k'. destruct (mem v part) eqn:F.
        -- exists part, (count part ts). split; [right; left; reflexivity | apply mem_In; assumption].
        -- exists (without l part), (k - count part ts)%nat. split; [left; reflexivity|].
           apply mem_In. rewrite mem_without, F. apply mem_In in M. rewrite M. reflexivity.
      * exists l', k'. split; [right; right; assumption | assumption].
Qed.

Lemma Q2R_max_l a b : Q2R a <= Q2R (Qmax a b).
Proof. apply Qle_Rle, Q.le_max_l. Qed.
Lemma Q2R_max_r a b : Q2R b <= Q2R (Qmax a b).
Proof. apply Qle_Rle, Q.le_max_r. Qed.

Lemma largest_In kap l t : In t l -> Q2R (kap t) <= Q2R (largest kap l).
Proof.
  unfold largest. induction l as [|a l IH]; simpl; intros [].
  - subst. apply Q2R_max_l.
  - eapply Rle_trans; [apply IH; assumption | apply Q2R_max_r].
Qed.

Lemma Q2R_nat k : Q2R (inject_Z (Z.of_nat k)) = INR k.
Proof. unfold Q2R. simpl. rewrite <- INR_IZR_INZ. field. Qed.

Definition spent (kap : nat -> Q) (ts : list nat) : R := total ts (fun t => Q2R (kap t)).

Lemma count_split_total kap l k gs ts :
  (forall t, 0 <= Q2R (kap t)) -> count l ts = k -> (forall l' k', In (l', k') gs -> count l' ts = k') ->
  total ts (fun t => if mem t l then Q2R (kap t) else 0) <= INR k * Q2R (largest kap l).
Proof.
  intros _ <- _. unfold total. induction ts as [|t ts IH]; cbn [fold_right count]; [simpl; lra|].
  rewrite plus_INR. destruct (mem t l) eqn:M; simpl INR.
  - apply mem_In in M. apply (largest_In kap) in M. lra.
  - lra.
Qed.

Lemma spent_most kap gs ts : (forall t, 0 <= Q2R (kap t)) -> inside gs ts -> spent kap ts <= Q2R (most kap gs).
Proof.
  intros HK [H1 H2].
  assert (A : spent kap ts <= total gs (fun g => total ts (fun t => if mem t (fst g) then Q2R (kap t) else 0))).
  { unfold spent. clear H1. induction ts as [|t ts IH].
    - rewrite (total_ext gs _ (fun _ => 0 * 0)) by (intros; unfold total; simpl; ring). rewrite total_scale.
      unfold total at 1; simpl fold_right. lra.
    - assert (S : total gs (fun g => total (t :: ts) (fun t => if mem t (fst g) then Q2R (kap t) else 0))
        = total gs (fun g => if mem t (fst g) then Q2R (kap t) else 0) + total gs (fun g => total ts (fun t => if mem t (fst g) then Q2R (kap t) else 0))).
      { rewrite <- total_plus. reflexivity. }
      rewrite S. change (total (t :: ts) (fun t => Q2R (kap t))) with (Q2R (kap t) + total ts (fun t => Q2R (kap t))).
      apply Rplus_le_compat; [|apply IH; intros; apply H2; right; assumption].
      destruct (H2 t (or_introl eq_refl)) as (l & k & I & M). apply mem_In in M. clear - HK I M.
      induction gs as [|g gs IH]; [contradiction|]. rewrite total_cons. destruct I as [->|I].
      + cbn [fst]. rewrite M. assert (0 <= total gs (fun g => if mem t (fst g) then Q2R (kap t) else 0)); [|lra].
        apply total_nonneg. intros g _. specialize (HK t). destruct (mem t (fst g)); lra.
      + specialize (IH I). assert (0 <= (if mem t (fst g) then Q2R (kap t) else 0)) by (specialize (HK t); destruct (mem t (fst g)); lra). lra. }
  eapply Rle_trans; [exact A|]. clear A H2. unfold most. induction gs as [|[l k] gs IH]; [simpl; rewrite Q2R_0; lra|].
  cbn [fold_right fst snd]. rewrite total_cons. cbn [fst].
  assert (B := count_split_total kap l k [] ts HK (H1 l k (or_introl eq_refl)) ltac:(intros ? ? [])).
  specialize (IH (fun l' k' I => H1 l' k' (or_intror I))). destruct (Nat.eqb_spec k 0) as [->|Ne].
  - simpl in B. lra.
  - autorewrite with q2r. rewrite Q2R_nat. lra.
Qed.

(* ---- the check ----------------------------------------------------------------------------------------------------- *)

Record certificate := Certificate { cover_tree : cover; cuts : list cut; fuel : nat; count_tree : tree }.

Definition types_of (p : problem) (ps : list (list bool)) : list type_ :=
  if nonneg p then map (pair true) ps else flat_map (fun s => [(true, s); (false, s)]) ps.

Definition wit (c : cut) (t : nat) := nth t (wits c) None.

Definition cut_ok (p : problem) (ws : list Q) (us : list (list Q)) (ts : list type_) (c : cut) : bool :=
  (negb (biases p) || Qeq_bool (qdot ws (res c)) 0) &&
  forallb (fun t => type_ok ws us (res c) (mean c) (nth t ts (true, [])) (wit c t)) (seq 0 (length ts)).

Definition base (ws ys z : list Q) : Q := - qdot ws (qmul z (qadd (map (Qmult 2) ys) z)).

Definition enough (ratio lower base : Q) (kaps : list Q) (gs : list group) : bool :=
  Qle_bool (lower + most (fun t => nth t kaps 0%Q) gs / ratio) base.

Definition check (p : problem) (n : nat) (lower : Q) (cert : certificate) : bool :=
  let rs := rows p in
  let ws := map rw rs in let us := map ru rs in let ys := map ry rs in
  let ratio := (rate1 p / (1 - rate1 p))%Q in
  let H := length (held p) in
  match cover_walk (cover_tree cert) (firstn H us) (skipn H us) (repeat true H) with
  | None => false
  | Some ps =>
      let ts := types_of p ps in
      let tables := map (fun c => (base ws ys (res c), map (fun t => kappa ws (mean c) (nth t ts (true, [])) (wit c t)) (seq 0 (length ts)))) (cuts cert) in
      inputs_ok (inputs p) (data p)
      && negb (Qle_bool (rate1 p) 0) && negb (Qle_bool 1 (rate1 p))
      && forallb (Qle_bool 0) ws
      && forallb (cut_ok p ws us ts) (cuts cert)
      && walk (fun i gs => match nth_error tables i with Some (b, kaps) => enough ratio lower b kaps gs | None => false end)
              (fuel cert) (count_tree cert) [(seq 0 (length ts), n)]
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

Lemma total_nth {T} (l : list T) f d : total l f = sum (length l) (fun k => f (nth k l d)).
Proof. unfold total. induction l; cbn [fold_right length sum]; [reflexivity | rewrite IHl; reflexivity]. Qed.

Lemma total_seq ts n f : length ts = n -> total ts f = sum n (fun i => f (nth i ts O)).
Proof. intros <-. apply total_nth. Qed.

Lemma count_all ts N : (forall t, In t ts -> (t < N)%nat) -> count (seq 0 N) ts = length ts.
Proof.
  induction ts as [|t ts IH]; intros H; [reflexivity|]. cbn [count length].
  assert (M : mem t (seq 0 N) = true) by (apply mem_In, in_seq; specialize (H t (or_introl eq_refl)); lia).
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
  destruct k; [unfold vec; cbn [nth]; rewrite Q2R_red, Q2R_plus; reflexivity | apply (IH b k)].
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
  set (ts := types_of p ps). rewrite !andb_true_iff. intros [[[[[CI C0] C1] CP] CC] CT] W HW [AB AN].
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
  assert (In0 : inside [(seq 0 (length ts), n)] tt).
  { assert (B : forall t, In t tt -> (t < length ts)%nat).
    { intros t I. destruct (In_nth tt t O I) as (i & Li & <-). apply HT. lia. }
    split.
    - intros l k [X|[]]. injection X as <- <-. rewrite count_all by assumption. assumption.
    - intros t I. exists (seq 0 (length ts)), n. split; [left; reflexivity|]. apply in_seq. specialize (B t I). lia. }
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
  rewrite J. refine (walk_sound _ _ _ _ tt _ In0 _ CT). intros i gs HI HL.
  destruct (nth_error (map _ (cuts cert)) i) as [[bs kaps]|] eqn:Ei; [|discriminate].
  rewrite nth_error_map in Ei. destruct (nth_error (cuts cert) i) as [cu|] eqn:Ec; [|discriminate].
  cbn [option_map] in Ei. injection Ei as <- <-. rewrite forallb_forall in CC. specialize (CC cu (nth_error_In _ _ Ec)).
  unfold cut_ok in CC. apply andb_prop in CC. destruct CC as [CB CC]. rewrite forallb_forall in CC.
  set (z := res cu) in *.
  set (kap := fun t => nth t (map (fun t => kappa ws (mean cu) (nth t ts (true, [])) (wit cu t)) (seq 0 (length ts))) 0%Q).
  assert (Wn : forall k, (k < N)%nat -> 0 <= vec ws k) by (intros; apply nonneg_vec; assumption).
  assert (K1 : forall t, (t < length ts)%nat -> kap t = kappa ws (mean cu) (nth t ts (true, [])) (wit cu t)).
  { intros t Ht. unfold kap. set (h := fun t => kappa ws (mean cu) (nth t ts (true, [])) (wit cu t)).
    rewrite nth_indep with (d' := h O) by (rewrite map_length, seq_length; assumption). rewrite (map_nth h), seq_nth by assumption. reflexivity. }
  assert (K2 : forall t o, Q2R (kappa ws (mean cu) t o) = sum N (fun k => vec ws k * vec (fst (witness ws (mean cu) t o)) k ^ 2)).
  { intros t o. unfold kappa. rewrite dot_sum, Lw. apply sum_ext. intros k _. rewrite vec_mul. ring. }
  assert (K0 : forall t, 0 <= Q2R (kap t)).
  { intros t. destruct (Nat.lt_ge_cases t (length ts)) as [X|X].
    - rewrite K1, K2 by assumption. apply sum_nonneg. intros k Hk. apply Rmult_le_pos; [auto | apply pow2_ge_0].
    - unfold kap. rewrite nth_overflow by (rewrite map_length, seq_length; assumption). rewrite Q2R_0. lra. }
  unfold enough in HL. apply Qle_bool_iff, Qle_Rle in HL. fold kap in HL.
  rewrite Q2R_plus in HL. unfold Qdiv in HL. rewrite Q2R_mult, Q2R_inv', Q2R_mult, Q2R_inv', Q2R_minus, Q2R_1 in HL.
  change (Q2R (rate1 p) * / (1 - Q2R (rate1 p))) with lambda in HL.
  pose proof (spent_most kap gs tt K0 HI) as SM. unfold spent in SM. rewrite (total_seq tt n) in SM by assumption.
  assert (IL : 0 < / lambda) by (apply Rinv_0_lt_compat; assumption).
  apply (Rmult_le_compat_r (/ lambda)) in SM; [|lra].
  eapply Rle_trans; [|apply (cut_bound N n (vec ws) (vec ys) (vec z) (fun i => unit_sign (w i)) g beta lambda Wn)].
  2: { destruct (biases p) eqn:HB.
       - right. cbn [negb orb] in CB. apply Qeq_bool_iff, Qeq_eqR in CB. rewrite dot_sum, Q2R_0, Lw in CB. exact CB.
       - left. destruct (AB eq_refl) as [_ B0]. exact B0. }
  assert (BB : Q2R (base ws ys z) = - sum N (fun k => vec ws k * (2 * vec z k * vec ys k + vec z k ^ 2))).
  { unfold base. rewrite Q2R_opp, dot_sum, Lw. f_equal. apply sum_ext. intros k _. rewrite vec_mul, vec_add, vec_twice. ring. }
  rewrite <- BB.
  assert (U : - (sum n (fun i => Q2R (kap (nth i tt O))) * / lambda)
     <= sum n (fun i => 2 * unit_sign (w i) * sum N (fun k => vec ws k * vec z k * g i k) + lambda * sum N (fun k => vec ws k * g i k ^ 2))).
  { replace (- (sum n (fun i => Q2R (kap (nth i tt O))) * / lambda)) with (sum n (fun i => - / lambda * Q2R (kap (nth i tt O)))) by (rewrite sum_scale; ring).
    apply sum_le. intros j Hj. destruct (HT j Hj) as (T1 & T2 & T3). rewrite K1, K2, T3 by assumption.
    match goal with |- - / lambda * ?x <= _ => replace (- / lambda * x) with (- (x / lambda)) by (unfold Rdiv; ring) end.
    apply (unit_bound N (vec ws) (vec z) (fun k => g j k)); [assumption | assumption|].
    assert (OK := CC (nth j tt O) ltac:(apply in_seq; lia)).
    exact (type_sound ws us z (mean cu) _ _ (c j) Lw OK T2). }
  lra.
Qed.
