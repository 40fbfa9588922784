(* One unit on inputs that the examples do not tell apart: its weights may be taken in order. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals Certificate Certificate_walk Certificate_cover.
Require Import QArith Qreals Bool Arith Permutation Sorted.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- the check ----------------------------------------------------------------------------------------------------- *)

(* Coordinates of c with positive factors: where (j, s) stands before (k, t), only s c_j >= t c_k is looked at. *)
Notation place_in_order := (nat * positive)%type (only parsing).

Record arranged := Arranged { stated :> problem; chain : list place_in_order }.

Fixpoint neighbours {T} (l : list T) : list (T * T) :=
  match l with a :: l' => match l' with b :: _ => [(a, b)] | [] => [] end ++ neighbours l' | [] => [] end.

Definition factor (e : place_in_order) : Q := Qmake (Zpos (snd e)) 1.

(* s c_j - t c_k = c . u *)
Definition difference (D : nat) (e : place_in_order * place_in_order) : list Q :=
  map (fun i => if Nat.eqb i (fst (fst e)) then factor (fst e) else if Nat.eqb i (fst (snd e)) then (- factor (snd e))%Q else 0%Q) (seq 0 D).

Definition coordinate (D j : nat) : list Q := map (fun i => if Nat.eqb i j then 1%Q else 0%Q) (seq 0 D).

(* Rows without weight on which c . u >= 0 is known: the order, and the coordinates where weights are not negative. *)
Definition held (p : arranged) : list row :=
  map (fun u => Row 0 u 0) (map (difference (S (inputs p))) (neighbours (chain p))
    ++ (if nonneg p then map (coordinate (S (inputs p))) (seq 1 (inputs p)) else [])).

Definition rows (p : arranged) : list row := held p ++ points p.

(* The masked input on which c does what c with s c_j and t c_k exchanged does on u. *)
Definition exchanged_row (e : place_in_order * place_in_order) (u : list Q) : list Q :=
  let '(a, b) := e in
  map (fun i => if Nat.eqb i (fst a) then (factor a / factor b * nth (fst b) u 0)%Q
                else if Nat.eqb i (fst b) then (factor b / factor a * nth (fst a) u 0)%Q else nth i u 0%Q) (seq 0 (length u)).

Fixpoint first_place {T} (hit : T -> bool) (l : list T) : nat :=
  match l with [] => O | a :: l' => if hit a then O else S (first_place hit l') end.

(* The row to which each row goes; rows without weight stay. *)
Definition exchanged_places (rs : list row) (e : place_in_order * place_in_order) : list nat :=
  map (fun i => let r := nth i rs (Row 0 [] 0) in
    if Qeq_bool (rw r) 0 then i else let u := exchanged_row e (ru r) in
    first_place (fun s => negb (Qeq_bool (rw s) 0) && same u (ru s)) rs) (seq 0 (length rs)).

Definition exchange_ok (rs : list row) (e : place_in_order * place_in_order) : bool :=
  let places := exchanged_places rs e in
  permutes (length rs) places &&
  forallb (fun k => let r := nth k rs (Row 0 [] 0) in let s := nth (nth k places O) rs (Row 0 [] 0) in
    Qeq_bool (rw s) (rw r) && (Qeq_bool (rw r) 0 || (Qeq_bool (ry s) (ry r) && same (exchanged_row e (ru r)) (ru s)))) (seq 0 (length rs)).

Fixpoint no_repetition (l : list nat) : bool :=
  match l with [] => true | a :: l' => negb (existsb (Nat.eqb a) l') && no_repetition l' end.

(* An order of two or more inputs is for one unit, and every exchange of neighbours keeps the examples. *)
Definition order_ok (p : arranged) (n : nat) : bool :=
  forallb (fun e => Nat.ltb 0 (fst e) && Nat.leb (fst e) (inputs p)) (chain p) && no_repetition (map fst (chain p)) &&
  match chain p with [] => true | _ => Nat.eqb n 1 && forallb (exchange_ok (rows p)) (neighbours (chain p)) end.

(* ---- an exchange keeps the rows --------------------------------------------------------------------------------------- *)

Definition scaled (c : nat -> R) (e : place_in_order) : R := Q2R (factor e) * c (fst e).

Definition exchanged (e : place_in_order * place_in_order) (c : nat -> R) (i : nat) : R :=
  let '(a, b) := e in
  if Nat.eqb i (fst a) then scaled c b / Q2R (factor a) else if Nat.eqb i (fst b) then scaled c a / Q2R (factor b) else c i.

Lemma factor_positive e : 0 < Q2R (factor e).
Proof. rewrite <- Q2R_0. apply Qlt_Rlt. reflexivity. Qed.

Lemma sum_at D j f : (j < D)%nat -> sum D f = f j + sum D (fun i => if Nat.eqb i j then 0 else f i).
Proof.
  revert j f; induction D as [|D IH]; intros j f J; [lia|]. cbn [sum]. destruct j as [|j].
  - cbn [Nat.eqb]. rewrite Rplus_0_l. reflexivity.
  - rewrite (IH j (fun i => f (S i))) by lia. cbn [Nat.eqb]. ring.
Qed.

Lemma ip_exchanged a b c u : fst a <> fst b -> (fst a < length u)%nat -> (fst b < length u)%nat ->
  ip (exchanged (a, b) c) u = ip c (exchanged_row (a, b) u).
Proof.
  intros N A B. pose proof (factor_positive a) as FA. pose proof (factor_positive b) as FB.
  unfold exchanged_row. rewrite ip_listed, ip_sum.
  assert (NB : Nat.eqb (fst b) (fst a) = false) by (apply Nat.eqb_neq; congruence).
  rewrite (sum_at _ (fst a)), (sum_at _ (fst b)) by assumption. cbv beta.
  rewrite (sum_at (length u) (fst a) (fun i => c i * _)), (sum_at (length u) (fst b) (fun i => if Nat.eqb i (fst a) then _ else _)) by assumption. cbv beta.
  unfold exchanged. rewrite NB, !Nat.eqb_refl. unfold Qdiv. rewrite !Q2R_mult, !Q2R_inv'. unfold scaled.
  change (Q2R (nth (fst a) u 0%Q)) with (vec u (fst a)). change (Q2R (nth (fst b) u 0%Q)) with (vec u (fst b)).
  match goal with |- _ + (_ + ?x) = _ + (_ + ?y) => assert (E : x = y); [|rewrite E; field; lra] end.
  apply sum_ext. intros i _. destruct (Nat.eqb i (fst b)), (Nat.eqb i (fst a)); reflexivity.
Qed.

(* A map of vectors c and a permutation of the rows under which the criterion stays the same. *)
Definition keeps (p : arranged) (T : (nat -> R) -> nat -> R) (places : list nat) : Prop :=
  permutes (length (rows p)) places = true /\ forall k, (k < length (rows p))%nat ->
    vec (map rw (rows p)) (nth k places O) = vec (map rw (rows p)) k /\
    (vec (map rw (rows p)) k = 0 \/ (vec (map ry (rows p)) (nth k places O) = vec (map ry (rows p)) k /\
      forall c, ip (T c) (nth k (map ru (rows p)) []) = ip c (nth (nth k places O) (map ru (rows p)) []))).

Definition no_row : row := Row 0 [] 0.

Lemma vec_rw rs k : vec (map rw rs) k = Q2R (rw (nth k rs no_row)).
Proof. unfold vec. f_equal. exact (map_nth rw rs no_row k). Qed.
Lemma vec_ry rs k : vec (map ry rs) k = Q2R (ry (nth k rs no_row)).
Proof. unfold vec. f_equal. exact (map_nth ry rs no_row k). Qed.
Lemma nth_ru rs k : nth k (map ru rs) [] = ru (nth k rs no_row).
Proof. exact (map_nth ru rs no_row k). Qed.

Lemma exchange_keeps (p : arranged) a b : forallb (fun u => Nat.eqb (length u) (S (inputs p))) (map ru (rows p)) = true ->
  fst a <> fst b -> (fst a <= inputs p)%nat -> (fst b <= inputs p)%nat -> exchange_ok (rows p) (a, b) = true ->
  keeps p (exchanged (a, b)) (exchanged_places (rows p) (a, b)).
Proof.
  intros HD N A B H. unfold exchange_ok in H. cbv zeta in H. apply andb_prop in H. destruct H as [HP HR]. split; [exact HP|].
  intros k K. rewrite forallb_forall in HD, HR. specialize (HR k ltac:(apply in_seq; lia)). change (Row 0 [] 0) with no_row in HR.
  assert (Lu : length (ru (nth k (rows p) no_row)) = S (inputs p)).
  { apply Nat.eqb_eq, HD. apply in_map, nth_In, K. }
  rewrite !vec_rw, !vec_ry, !nth_ru. set (k' := nth k (exchanged_places (rows p) (a, b)) O) in *.
  apply andb_prop in HR. destruct HR as [W R]. apply Qeq_bool_iff, Qeq_eqR in W. split; [exact W|].
  apply orb_prop in R. destruct R as [Z|R]; [left; apply Qeq_bool_iff, Qeq_eqR in Z; rewrite Z; apply Q2R_0|]. right.
  apply andb_prop in R. destruct R as [Y U]. split; [apply Qeq_eqR, Qeq_bool_iff, Y|]. intros c.
  rewrite ip_exchanged by (rewrite ?Lu; lia || assumption). apply same_ip, U.
Qed.

(* ---- sorting by exchanges of neighbours -------------------------------------------------------------------------------- *)

Lemma neighbours_In {T} (l : list T) a b : In (a, b) (neighbours l) -> In a l /\ In b l.
Proof.
  induction l as [|x [|y l] IH]; intros I; [contradiction | contradiction|]. cbn [neighbours app] in I.
  destruct I as [E|I]; [injection E as <- <-; simpl; auto|]. destruct (IH I). simpl in *. tauto.
Qed.

Lemma neighbours_middle {T} (l m : list T) a b : In (a, b) (neighbours (l ++ a :: b :: m)).
Proof.
  induction l as [|x l IH]; [left; reflexivity|]. cbn [app neighbours]. apply in_or_app. right. exact IH.
Qed.

Lemma neighbours_apart {T} (l : list (nat * T)) a b : NoDup (map fst l) -> In (a, b) (neighbours l) -> fst a <> fst b.
Proof.
  induction l as [|x [|y l] IH]; intros N I; [contradiction | contradiction|]. cbn [neighbours app] in I. inversion N as [|? ? X N']; subst.
  destruct I as [E|I]; [injection E as <- <-; intros Y; apply X; left; symmetry; exact Y | exact (IH N' I)].
Qed.

Lemma no_repetition_sound l : no_repetition l = true -> NoDup l.
Proof.
  induction l as [|a l IH]; intros H; [constructor|]. cbn [no_repetition] in H. apply andb_prop in H. destruct H as [A H].
  constructor; [|apply IH, H]. intros I. apply negb_true_iff, not_true_iff_false in A. apply A, existsb_exists. exists a.
  split; [exact I | apply Nat.eqb_refl].
Qed.

Lemma insertion a l : StronglySorted (fun x y => y <= x) l -> exists l', Permutation (a :: l) l' /\ StronglySorted (fun x y => y <= x) l'.
Proof.
  induction l as [|b l IH]; intros S; [exists [a]; split; [apply Permutation_refl | repeat constructor]|].
  inversion S as [|? ? S' F]; subst. destruct (Rle_dec b a) as [L|L].
  - exists (a :: b :: l). split; [apply Permutation_refl|]. constructor; [exact S|]. constructor; [exact L|].
    apply (Forall_impl _ (P := fun x => x <= b)); [intros x X; lra | exact F].
  - destruct (IH S') as (l' & P & T). exists (b :: l'). split.
    + eapply Permutation_trans; [apply perm_swap | apply perm_skip, P].
    + constructor; [exact T|]. apply (Permutation_Forall P). constructor; [lra | exact F].
Qed.

Lemma sorting l : exists l', Permutation l l' /\ StronglySorted (fun x y => y <= x) l'.
Proof.
  induction l as [|a l (l' & P & S)]; [exists []; split; constructor|]. destruct (insertion a l' S) as (m & Q & T).
  exists m. split; [eapply Permutation_trans; [apply perm_skip, P | exact Q] | exact T].
Qed.

Lemma sorted_neighbours l c a b : StronglySorted (fun x y => y <= x) (map (scaled c) l) -> In (a, b) (neighbours l) -> scaled c b <= scaled c a.
Proof.
  induction l as [|x [|y l] IH]; intros S I; [contradiction | contradiction|]. inversion S as [|? ? S' F]; subst. cbn [neighbours app] in I.
  destruct I as [E|I]; [injection E as <- <-; inversion F; assumption | exact (IH S' I)].
Qed.

Lemma scaled_exchanged l m a b c : NoDup (map fst (l ++ a :: b :: m)) ->
  map (scaled (exchanged (a, b) c)) (l ++ a :: b :: m) = map (scaled c) l ++ scaled c b :: scaled c a :: map (scaled c) m.
Proof.
  intros N. pose proof (factor_positive a) as FA. pose proof (factor_positive b) as FB.
  rewrite map_app in N. cbn [map] in N.
  assert (AB : fst a <> fst b). { apply NoDup_remove_2 in N. intros E. apply N, in_or_app. right. left. symmetry. exact E. }
  assert (X : forall e, In e (l ++ m) -> fst e <> fst a /\ fst e <> fst b).
  { intros e I. assert (J : In (fst e) (map fst l ++ map fst m)) by (rewrite <- map_app; apply in_map, I). split; intros E; rewrite E in J.
    - apply NoDup_remove_2 in N. apply N. apply in_app_or in J. apply in_or_app. destruct J; [left | right; right]; assumption.
    - apply NoDup_remove_1, NoDup_remove_2 in N. exact (N J). }
  assert (F : forall e, In e (l ++ m) -> scaled (exchanged (a, b) c) e = scaled c e).
  { intros e I. destruct (X e I) as [E1 E2]. unfold scaled, exchanged. apply Nat.eqb_neq in E1, E2. rewrite E1, E2. reflexivity. }
  rewrite map_app. cbn [map]. f_equal; [apply map_ext_in; intros e I; apply F, in_or_app; left; exact I|].
  f_equal; [|f_equal].
  - unfold scaled at 1. unfold exchanged. rewrite Nat.eqb_refl. field. lra.
  - unfold scaled at 1. unfold exchanged. rewrite Nat.eqb_refl. assert (Y : Nat.eqb (fst b) (fst a) = false) by (apply Nat.eqb_neq; congruence).
    rewrite Y. field. lra.
  - apply map_ext_in. intros e I. apply F, in_or_app. right. exact I.
Qed.

(* What holds for vectors in order, and for a vector whenever for one with neighbours exchanged, holds for all vectors. *)
Lemma arrange (l : list place_in_order) (A G : (nat -> nat -> R) -> Prop) c :
  NoDup (map fst l) ->
  (forall e c, In e (neighbours l) -> A c -> A (fun i => exchanged e (c i))) ->
  (forall e c, In e (neighbours l) -> G (fun i => exchanged e (c i)) -> G c) ->
  (forall c, A c -> (forall a b, In (a, b) (neighbours l) -> scaled (c O) b <= scaled (c O) a) -> G c) ->
  A c -> G c.
Proof.
  intros N HA HG HS. destruct (sorting (map (scaled (c O)) l)) as (vs & P & S). intros Ac.
  assert (X : forall xs ys, Permutation xs ys -> forall pre c, A c -> map (scaled (c O)) l = pre ++ xs ->
    exists c', A c' /\ map (scaled (c' O)) l = pre ++ ys /\ (G c' -> G c)).
  { clear c vs P S Ac. induction 1 as [|x xs ys P IH|x y xs|xs ys zs P1 IH1 P2 IH2]; intros pre c Ac E.
    - exists c. auto.
    - destruct (IH (pre ++ [x]) c Ac) as (c' & A' & E' & G'); [rewrite <- app_assoc; exact E|]. exists c'. rewrite E', <- app_assoc. auto.
    - assert (Y : exists l0 a b m, l = l0 ++ a :: b :: m /\ map (scaled (c O)) l0 = pre /\ scaled (c O) a = y /\ scaled (c O) b = x /\ map (scaled (c O)) m = xs).
      { destruct (map_eq_app _ _ _ _ E) as (l0 & l1 & El & E0 & E1). destruct l1 as [|a [|b m]]; try discriminate.
        cbn [map] in E1. injection E1 as <- <- <-. exists l0, a, b, m. auto. }
      destruct Y as (l0 & a & b & m & El & E0 & Ea & Eb & Em).
      assert (I : In (a, b) (neighbours l)) by (rewrite El; apply neighbours_middle).
      exists (fun i => exchanged (a, b) (c i)). split; [exact (HA _ _ I Ac)|]. split; [|exact (HG _ _ I)].
      rewrite El in N |- *. rewrite scaled_exchanged by exact N. rewrite E0, Ea, Eb, Em. reflexivity.
    - destruct (IH1 pre c Ac E) as (c1 & A1 & E1 & G1). destruct (IH2 pre c1 A1 E1) as (c2 & A2 & E2 & G2). exists c2. auto. }
  destruct (X _ _ P [] c Ac eq_refl) as (c' & A' & E' & G'). apply G', HS; [exact A'|]. intros a b I.
  apply (sorted_neighbours l); [rewrite E'; exact S | exact I].
Qed.

(* ---- what is known of a unit ------------------------------------------------------------------------------------------ *)

Lemma ip_difference D c a b : fst a <> fst b -> (fst a < D)%nat -> (fst b < D)%nat -> ip c (difference D (a, b)) = scaled c a - scaled c b.
Proof.
  intros N A B. unfold difference. cbn [fst snd]. rewrite ip_listed, (sum_at _ (fst a)), (sum_at _ (fst b)) by assumption. cbv beta.
  assert (NB : Nat.eqb (fst b) (fst a) = false) by (apply Nat.eqb_neq; congruence). rewrite NB, !Nat.eqb_refl, Q2R_opp.
  rewrite (sum_ext D _ (fun _ => 0)); [rewrite sum_zero; unfold scaled; ring|]. intros i _.
  destruct (Nat.eqb i (fst b)) eqn:Eb, (Nat.eqb i (fst a)) eqn:Ea; try reflexivity. rewrite Q2R_0. ring.
Qed.

Lemma ip_coordinate D c j : (j < D)%nat -> ip c (coordinate D j) = c j.
Proof.
  intros J. unfold coordinate. rewrite ip_listed, (sum_at _ j) by exact J. cbv beta. rewrite Nat.eqb_refl, Q2R_1.
  rewrite (sum_ext D _ (fun _ => 0)); [rewrite sum_zero; ring|]. intros i _. destruct (Nat.eqb i j); rewrite ?Q2R_0; ring.
Qed.

Lemma held_sat (p : arranged) c : (forall a b, In (a, b) (neighbours (chain p)) -> fst a <> fst b /\ (fst a <= inputs p)%nat /\ (fst b <= inputs p)%nat) ->
  (forall a b, In (a, b) (neighbours (chain p)) -> scaled c b <= scaled c a) ->
  (nonneg p = true -> forall j, (j < inputs p)%nat -> 0 <= c (S j)) ->
  sat (map ru (held p)) (repeat true (length (held p))) c.
Proof.
  intros HC HO HN k K. rewrite map_length in K.
  rewrite nth_indep with (d' := true) by (rewrite repeat_length; exact K). rewrite nth_repeat.
  assert (I : In (nth k (map ru (held p)) []) (map ru (held p))) by (apply nth_In; rewrite map_length; exact K).
  unfold held in I at 2. rewrite map_map in I. cbn [ru] in I. rewrite map_id in I. apply in_app_or in I. destruct I as [I|I].
  - apply in_map_iff in I. destruct I as ([a b] & <- & I). destruct (HC a b I) as (N & A & B).
    rewrite ip_difference by (lia || assumption). specialize (HO a b I). lra.
  - destruct (nonneg p); [|contradiction]. apply in_map_iff in I. destruct I as (j & <- & I). apply in_seq in I.
    rewrite ip_coordinate by lia. destruct j as [|j]; [lia|]. apply HN; [reflexivity | lia].
Qed.

Lemma chain_sound (p : arranged) n : order_ok p n = true -> NoDup (map fst (chain p))
  /\ (forall a b, In (a, b) (neighbours (chain p)) -> fst a <> fst b /\ (fst a <= inputs p)%nat /\ (fst b <= inputs p)%nat)
  /\ (forall a b, In (a, b) (neighbours (chain p)) -> (0 < fst a)%nat /\ (0 < fst b)%nat)
  /\ (chain p = [] \/ n = 1%nat /\ forall e, In e (neighbours (chain p)) -> exchange_ok (rows p) e = true).
Proof.
  intros H. unfold order_ok in H. rewrite !andb_true_iff, forallb_forall in H. destruct H as [[HB HN] HE].
  apply no_repetition_sound in HN.
  assert (B : forall e, In e (chain p) -> (0 < fst e)%nat /\ (fst e <= inputs p)%nat).
  { intros e I. specialize (HB e I). apply andb_prop in HB. destruct HB as [X Y]. apply Nat.ltb_lt in X. apply Nat.leb_le in Y. auto. }
  split; [exact HN|]. split; [|split].
  - intros a b I. destruct (neighbours_In _ _ _ I) as [Ia Ib]. split; [exact (neighbours_apart _ _ _ HN I)|]. split; apply B; assumption.
  - intros a b I. destruct (neighbours_In _ _ _ I) as [Ia Ib]. split; apply B; assumption.
  - destruct (chain p) as [|e l] eqn:E; [left; reflexivity | right]. apply andb_prop in HE. destruct HE as [E1 HE]. apply Nat.eqb_eq in E1.
    split; [exact E1|]. rewrite forallb_forall in HE. exact HE.
Qed.
