(* All ways to choose units from finitely many, and what is left for the output bias. *)

From Dropout Require Import Definitions Expectations Rationals Certificate Certificate_walk Certificate_cover Certificate_tree.
Require Import QArith Qreals Bool Arith Permutation.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- choices of units ------------------------------------------------------------------------------------------------ *)

(* All multisets of k elements. *)
Fixpoint picks {U} (pool : list U) (k : nat) : list (list U) :=
  match pool with
  | [] => match k with O => [[]] | _ => [] end
  | x :: pool' => flat_map (fun j => map (app (repeat x j)) (picks pool' (k - j))) (seq 0 (S k))
  end.

Fixpoint draws {U} (pools : list (list U * nat)) : list (list U) :=
  match pools with
  | [] => [[]]
  | (pool, k) :: r => flat_map (fun d => map (app d) (draws r)) (picks pool k)
  end.

Definition paired {T U} (hit : T -> U -> bool) (ts : list T) (us : list U) : Prop :=
  exists ts', Permutation ts ts' /\ Forall2 (fun t u => hit t u = true) ts' us.

Lemma paired_app {T U} (hit : T -> U -> bool) ts ts' us us' : paired hit ts us -> paired hit ts' us' -> paired hit (ts ++ ts') (us ++ us').
Proof.
  intros (a & P & F) (a' & P' & F'). exists (a ++ a'). split; [apply Permutation_app; assumption | apply Forall2_app; assumption].
Qed.

Lemma paired_permutation {T U} (hit : T -> U -> bool) ts ts' us : Permutation ts ts' -> paired hit ts' us -> paired hit ts us.
Proof. intros P (a & P' & F). exists a. split; [apply (Permutation_trans P P') | assumption]. Qed.

Lemma filter_split {T} (f : T -> bool) l : Permutation l (filter f l ++ filter (fun x => negb (f x)) l).
Proof.
  induction l as [|a l IH]; simpl; [constructor|]. destruct (f a); simpl; [constructor; assumption|].
  apply Permutation_cons_app. exact IH.
Qed.

Lemma picks_complete {T U} (hit : T -> U -> bool) pool ts : (forall t, In t ts -> existsb (hit t) pool = true) ->
  exists d, In d (picks pool (length ts)) /\ paired hit ts d.
Proof.
  revert ts; induction pool as [|x pool IH]; intros ts H.
  - destruct ts as [|t ts]; [|specialize (H t (or_introl eq_refl)); discriminate].
    exists []. split; [left; reflexivity|]. exists []. split; constructor.
  - set (yes := filter (fun t => hit t x) ts). set (no := filter (fun t => negb (hit t x)) ts).
    assert (P : Permutation ts (yes ++ no)) by apply filter_split.
    assert (L : length ts = (length yes + length no)%nat) by (rewrite (Permutation_length P), app_length; reflexivity).
    destruct (IH no) as (d & I & D).
    { intros t J. apply filter_In in J. destruct J as [J N]. specialize (H t J). cbn [existsb] in H.
      apply negb_true_iff in N. rewrite N in H. exact H. }
    exists (repeat x (length yes) ++ d). split.
    + cbn [picks]. apply in_flat_map. exists (length yes). split; [apply in_seq; lia|]. apply in_map.
      replace (length ts - length yes)%nat with (length no) by lia. exact I.
    + apply (paired_permutation hit _ _ _ P). apply paired_app; [|exact D]. exists yes. split; [apply Permutation_refl|].
      assert (Y : forall t, In t yes -> hit t x = true) by (intros t J; apply filter_In in J; apply J).
      clearbody yes. clear -Y. induction yes as [|t l IHl]; simpl; constructor; [apply Y; left; reflexivity|].
      apply IHl. intros; apply Y; right; assumption.
Qed.

Fixpoint apart (gs : list group) : bool :=
  match gs with [] => true | g :: r => forallb (fun h => forallb negb (both (fst g) (fst h))) r && apart r end.

Lemma count_filter l ts : count l ts = length (filter (fun t => mem t l) ts).
Proof. induction ts as [|t r IH]; simpl; [reflexivity|]. rewrite IH. destruct (mem t l); reflexivity. Qed.

Lemma draws_complete {U} (hit : nat -> U -> bool) (type : nat -> nat) pool_of gs is :
  apart gs = true -> inside gs (map type is) ->
  (forall l k, In (l, k) gs -> forall i, In i is -> mem (type i) l = true -> existsb (hit i) (pool_of (l, k)) = true) ->
  exists d, In d (draws (map (fun g => (pool_of g, snd g)) gs)) /\ paired hit is d.
Proof.
  revert is; induction gs as [|[l k] gs IH]; intros is HA [H1 H2] HP.
  - destruct is as [|i is].
    + exists []. split; [left; reflexivity|]. exists []. split; constructor.
    + destruct (H2 (type i) (or_introl eq_refl)) as (l & k & [] & _).
  - cbn [apart fst] in HA. apply andb_prop in HA. destruct HA as [HA HR]. rewrite forallb_forall in HA.
    set (yes := filter (fun i => mem (type i) l) is). set (no := filter (fun i => negb (mem (type i) l)) is).
    assert (P : Permutation is (yes ++ no)) by apply filter_split.
    assert (Ly : length yes = k).
    { rewrite <- (H1 l k (or_introl eq_refl)), count_filter. unfold yes. clear. induction is as [|i is IH]; simpl; [reflexivity|].
      destruct (mem (type i) l); simpl; rewrite IH; reflexivity. }
    destruct (picks_complete hit (pool_of (l, k)) yes) as (d & Id & Dd).
    { intros i I. apply filter_In in I. destruct I as [I M]. exact (HP l k (or_introl eq_refl) i I M). }
    assert (Far : forall l' k' t, In (l', k') gs -> mem t l' = true -> mem t l = false).
    { intros l' k' t I M. specialize (HA _ I). cbn [fst] in HA. apply (none_mem _ t) in HA. rewrite mem_both, M, andb_true_r in HA. exact HA. }
    destruct (IH no) as (e & Ie & De).
    + exact HR.
    + split.
      * intros l' k' I. rewrite <- (H1 l' k' (or_intror I)). unfold no. clear - Far I.
        induction is as [|i is IH]; simpl; [reflexivity|]. destruct (mem (type i) l) eqn:M; simpl; rewrite IH; [|reflexivity].
        destruct (mem (type i) l') eqn:M'; [|reflexivity]. rewrite (Far l' k' _ I M') in M. discriminate.
      * intros t I. apply in_map_iff in I. destruct I as (i & <- & I). apply filter_In in I. destruct I as [I N].
        destruct (H2 (type i) (in_map type _ _ I)) as (l' & k' & [X | J] & M); [|exists l', k'; split; assumption].
        injection X as <- <-. rewrite M in N. discriminate.
    + intros l' k' I i J M. apply filter_In in J. destruct J as [J _]. exact (HP l' k' (or_intror I) i J M).
    + exists (d ++ e). split.
      * cbn [map draws snd]. apply in_flat_map. exists d. split; [rewrite Ly in Id; exact Id | apply in_map; exact Ie].
      * apply (paired_permutation hit _ _ _ P). apply paired_app; assumption.
Qed.

(* Take one element after the other from the second list. *)
Fixpoint take {T U} (hit : T -> U -> bool) (x : T) (l : list U) : option (list U) :=
  match l with
  | [] => None
  | y :: l' => if hit x y then Some l' else match take hit x l' with Some r => Some (y :: r) | None => None end
  end.
Fixpoint matches {T U} (hit : T -> U -> bool) (xs : list T) (ys : list U) : bool :=
  match xs with
  | [] => match ys with [] => true | _ => false end
  | x :: xs' => match take hit x ys with Some r => matches hit xs' r | None => false end
  end.

Lemma take_sound {T U} (hit : T -> U -> bool) x l r : take hit x l = Some r -> exists y, hit x y = true /\ Permutation l (y :: r).
Proof.
  revert r; induction l as [|y l IH]; intros r H; [discriminate|]. cbn [take] in H. destruct (hit x y) eqn:E.
  - injection H as <-. exists y. split; [assumption | apply Permutation_refl].
  - destruct (take hit x l) as [s|]; [|discriminate]. injection H as <-. destruct (IH s eq_refl) as (z & Z & P).
    exists z. split; [assumption|]. eapply Permutation_trans; [apply perm_skip, P | apply perm_swap].
Qed.

Lemma matches_sound {T U} (hit : T -> U -> bool) xs ys : matches hit xs ys = true ->
  exists ys', Permutation ys ys' /\ Forall2 (fun x y => hit x y = true) xs ys'.
Proof.
  revert ys; induction xs as [|x xs IH]; intros ys H; cbn [matches] in H.
  - destruct ys; [|discriminate]. exists []. split; constructor.
  - destruct (take hit x ys) as [r|] eqn:E; [|discriminate]. destruct (take_sound _ _ _ _ E) as (y & Y & P).
    destruct (IH r H) as (ys' & P' & F). exists (y :: ys'). split; [|constructor; assumption].
    eapply Permutation_trans; [exact P | apply perm_skip, P'].
Qed.

Lemma Forall2_length {T U} (P : T -> U -> Prop) xs ys : Forall2 P xs ys -> length xs = length ys.
Proof. induction 1; simpl; congruence. Qed.

Lemma combine_fst {T U} (xs : list T) (ys : list U) : length xs = length ys -> map fst (combine xs ys) = xs.
Proof. revert ys; induction xs; intros [|y ys] L; simpl in *; try discriminate; [reflexivity | rewrite IHxs by congruence; reflexivity]. Qed.
Lemma combine_snd {T U} (xs : list T) (ys : list U) : length xs = length ys -> map snd (combine xs ys) = ys.
Proof. revert ys; induction xs; intros [|y ys] L; simpl in *; try discriminate; [reflexivity | rewrite IHxs by congruence; reflexivity]. Qed.

(* ---- values at the rows that count --------------------------------------------------------------------------------- *)

Fixpoint agrees (ws x y : list Q) : bool :=
  match ws with
  | [] => true
  | w :: ws' => (Qle_bool w 0 || Qeq_bool (hd 0%Q x) (hd 0%Q y)) && agrees ws' (tl x) (tl y)
  end.

Lemma agrees_sound ws x y k : agrees ws x y = true -> 0 < vec ws k -> vec x k = vec y k.
Proof.
  revert x y k; induction ws as [|w ws IH]; intros x y k H K; [rewrite vec_nil in K; lra|].
  cbn [agrees] in H. apply andb_prop in H. destruct H as [A H]. destruct k as [|k].
  - rewrite <- !vec_hd. apply orb_prop in A. destruct A as [A|A].
    + apply Qle_bool_iff, Qle_Rle in A. unfold vec in K. cbn [nth] in K. rewrite Q2R_0 in A. lra.
    + apply Qeq_eqR, Qeq_bool_iff, A.
  - rewrite <- !vec_tl. apply IH; [exact H|]. exact K.
Qed.

Lemma agrees_refl ws x : agrees ws x x = true.
Proof.
  revert x; induction ws as [|w ws IH]; intros x; [reflexivity|]. cbn [agrees]. rewrite IH, (proj2 (Qeq_bool_iff _ _) (Qeq_refl _)), orb_true_r. reflexivity.
Qed.

Fixpoint distinct (ws : list Q) (l : list (list Q)) : list (list Q) :=
  match l with [] => [] | x :: r => let d := distinct ws r in if existsb (agrees ws x) d then d else x :: d end.

Lemma distinct_complete ws l x : In x l -> existsb (agrees ws x) (distinct ws l) = true.
Proof.
  induction l as [|y l IH]; intros I; [contradiction|]. cbn [distinct]. cbv zeta.
  destruct (existsb (agrees ws y) (distinct ws l)) eqn:E; destruct I as [->|I].
  - exact E.
  - exact (IH I).
  - cbn [existsb]. rewrite agrees_refl. reflexivity.
  - cbn [existsb]. rewrite (IH I). apply orb_true_r.
Qed.

(* What is left of z + y at the rows that count. *)
Fixpoint left_over (ws ys z sums : list Q) : list Q :=
  match ws with
  | [] => []
  | w :: ws' => let r := left_over ws' (tl ys) (tl z) (tl sums) in
      if Qle_bool w 0 then r else (hd 0%Q z + hd 0%Q ys - hd 0%Q sums)%Q :: r
  end.

Lemma left_over_In ws ys z sums b : (forall k, 0 < vec ws k -> vec z k + vec ys k - vec sums k = b) ->
  forall v, In v (left_over ws ys z sums) -> Q2R v = b.
Proof.
  revert ys z sums; induction ws as [|w ws IH]; intros ys z sums H v I; [contradiction|]. cbn [left_over] in I. cbv zeta in I.
  assert (H' : forall k, 0 < vec ws k -> vec (tl z) k + vec (tl ys) k - vec (tl sums) k = b) by (intros k K; rewrite !vec_tl; exact (H (S k) K)).
  destruct (Qle_bool w 0) eqn:E; [exact (IH _ _ _ H' v I)|]. destruct I as [<-|I]; [|exact (IH _ _ _ H' v I)].
  autorewrite with q2r. rewrite !vec_hd. apply H. unfold vec; cbn [nth]. rewrite <- Q2R_0. apply Qlt_Rlt, Qnot_le_lt. intros X.
  apply Qle_bool_iff in X. congruence.
Qed.

Definition listed_units := (Q * list (list Q))%type.    (* an output bias, and what each unit adds on the rows *)

Definition is_listed (ws : list Q) (b : Q) (d : list (list Q)) (m : listed_units) : bool :=
  Qeq_bool b (fst m) && matches (fun x j => agrees ws (nth j (snd m) []) x) d (seq 0 (length (snd m))).

(* A choice of units either leaves more than one number, or none that an output bias may be, or is listed. *)
Definition choice_ok (free : bool) (ws ys z : list Q) (ms : list listed_units) (d : list (list Q)) : bool :=
  match left_over ws ys z (fold_right qadd [] d) with
  | [] => false
  | b :: r => negb (forallb (Qeq_bool b) r && (free || Qeq_bool b 0)) || existsb (is_listed ws b d) ms
  end.

Lemma choice_sound free ws ys z ms d beta : choice_ok free ws ys z ms d = true -> (free = false -> beta = 0) ->
  (forall k, 0 < vec ws k -> vec z k + vec ys k - total d (fun x => vec x k) = beta) ->
  exists m, In m ms /\ Q2R (fst m) = beta /\ exists js, Permutation (seq 0 (length (snd m))) js
    /\ Forall2 (fun x j => agrees ws (nth j (snd m) []) x = true) d js.
Proof.
  intros C F H. unfold choice_ok in C.
  assert (S : forall k, vec (fold_right qadd [] d) k = total d (fun x => vec x k)).
  { clear. intros k. unfold total. induction d as [|x d IH]; cbn [fold_right]; [apply vec_nil | rewrite vec_add, IH; reflexivity]. }
  assert (L : forall v, In v (left_over ws ys z (fold_right qadd [] d)) -> Q2R v = beta).
  { apply left_over_In. intros k K. rewrite S. apply H, K. }
  destruct (left_over ws ys z (fold_right qadd [] d)) as [|b r]; [discriminate|].
  assert (B : Q2R b = beta) by (apply L; left; reflexivity).
  apply orb_prop in C. destruct C as [C|C].
  - exfalso. apply negb_true_iff, andb_false_iff in C. destruct C as [C|C].
    + apply not_true_iff_false in C. apply C, forallb_forall. intros v I. apply Qeq_bool_iff, eqR_Qeq. rewrite B. symmetry. apply L. right. exact I.
    + apply orb_false_iff in C. destruct C as [C1 C2]. apply not_true_iff_false in C2. apply C2, Qeq_bool_iff, eqR_Qeq. rewrite B, Q2R_0. exact (F C1).
  - apply existsb_exists in C. destruct C as (m & I & C). unfold is_listed in C. apply andb_prop in C. destruct C as [E M].
    exists m. split; [exact I|]. split; [rewrite <- B; symmetry; apply Qeq_eqR, Qeq_bool_iff, E|]. exact (matches_sound _ _ _ M).
Qed.
