(* The list of minimisers: where the criterion is the minimum, all steps of the bound are equalities, so that the units
   respond in one of finitely many ways; all ways to choose them are gone through. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals Certificate Certificate_walk Certificate_cover Certificate_order Certificate_tree Certificate_choices.
Require Import QArith Qreals Qminmax Bool Arith Permutation.
Open Scope Q_scope. Close Scope nat_scope. Open Scope R_scope.

(* ---- the statement ------------------------------------------------------------------------------------------------ *)

(* What hidden unit i adds to the output at a masked input, a list that starts with 1, or 0 where there are no biases. *)
Definition adds (A : nat -> nat -> R) (b w : nat -> R) (i : nat) (u : list Q) : R :=
  w i * relu (ip (fun j => match j with O => b i | S k => A i k end) u).

(* The same output bias, and a pairing of the units: paired units add the same at every masked input that occurs. *)
Definition same_minimiser (p : problem) (V W : network) : Prop :=
  match V, W with
  | Hidden m B c (Output v gamma), Hidden n A b (Output w beta) =>
      gamma = beta /\ exists pairs, Permutation (map fst pairs) (seq 0 m) /\ Permutation (map snd pairs) (seq 0 n) /\
        forall i j, In (i, j) pairs -> forall s, In s (points p) -> 0 < Q2R (rw s) -> adds B c v i (ru s) = adds A b w j (ru s)
  | _, _ => False
  end.

(* ---- the check ------------------------------------------------------------------------------------------------------- *)

(* What the units of a listed network add on the rows. *)
Definition unit_on (rs : list row) (unit : list Q * Q) (a : Q) : list Q :=
  map (fun s => Qred (a * qrelu (qdot (snd unit :: fst unit) (ru s)))) rs.

Definition units_on (rs : list row) (V : qnetwork) : list listed_units :=
  match V with
  | QHidden units (QOutput w beta) =>
      [(beta, map (fun i => unit_on rs (nth i units ([], 0%Q)) (nth i w 0%Q)) (seq 0 (length units)))]
  | _ => []
  end.

(* What a unit of a type adds at equality: s h/lambda. *)
Definition at_equality (nz : list bool) (us : list (list Q)) (z : list Q) (ratio : Q) (e : type_ * option given) : list Q :=
  map (Qmult (sgn (fst e) / ratio)) (witness nz us z (fst e) (snd e)).

Fixpoint at_top (top : Q) (l : list bool) (kaps : list Q) (es : list (type_ * option given)) : list (type_ * option given) :=
  match l, kaps, es with
  | a :: l', k :: kaps', e :: es' => if a && Qeq_bool k top then e :: at_top top l' kaps' es' else at_top top l' kaps' es'
  | _, _, _ => []
  end.

Definition pool (nz : list bool) (us : list (list Q)) (ws : list Q) (ratio : Q) (cu : cut) (kaps : list Q) (ts : list type_) (g : group) : list (list Q) :=
  match snd g with
  | O => []
  | _ => distinct ws (map (at_equality nz us (res cu) ratio) (at_top (largest kaps (fst g)) (fst g) kaps (with_witnesses ts (wits cu))))
  end.

Definition tight (ratio lower base : Q) (kaps : list Q) (gs : list group) : bool := Qle_bool base (lower + most kaps gs / ratio).

(* A leaf is above the minimum, or all choices of its units are listed. *)
Definition listed_leaf (p : arranged) (lower : Q) (cs : list cut) (ms : list listed_units) (rs : list row) (ts : list type_) : nat -> list group -> bool :=
  let ws := map rw rs in let us := map ru rs in let ys := map ry rs in
  let nz := not_zero us in let gs := grams ws us (S (inputs p)) ts in let noise := label_noise p in
  let found := map (fun c => (c, (base noise ws ys (res c), kappas nz ws gs ts c))) cs in
  let ratio := hidden_ratio p in
  fun i gs =>
    match nth_error found i with
    | Some (cu, (b, kaps)) =>
        if enough ratio lower b kaps gs then
          if tight ratio lower b kaps gs then
            if apart gs then
              forallb (choice_ok (biases p) ws ys (res cu) ms) (draws (map (fun g => (pool nz us ws ratio cu kaps ts g, snd g)) gs))
            else false
          else true
        else false
    | None => false
    end.

(* A permutation of the rows maps the list to itself. *)
Definition closed_under (ws : list Q) (ms : list listed_units) (places : list nat) : bool :=
  forallb (fun m => existsb (fun m' => Qeq_bool (fst m) (fst m') &&
    matches (fun x j => agrees ws x (map (fun k => nth k (nth j (snd m') []) 0%Q) places)) (snd m) (seq 0 (length (snd m')))) ms) ms.

Definition check_minimisers (p : problem) (n : nat) (lower : Q) (cert : certificate) (Vs : list qnetwork) : bool :=
  let p' := Arranged p (in_order cert) in
  let rs := rows p' in
  let ms := flat_map (units_on rs) Vs in
  forallb (closed_under (map rw rs) ms) (used_places p' cert) && check_leaves (listed_leaf p' lower (cuts cert) ms) p' n cert.

(* ---- equality in every step ------------------------------------------------------------------------------------------- *)

Lemma total_each {T} (l : list T) f : (forall a, In a l -> 0 <= f a) -> total l f <= 0 -> forall a, In a l -> f a = 0.
Proof.
  induction l as [|a l IH]; intros H S b I; [contradiction|]. rewrite total_cons in S.
  assert (0 <= f a) by (apply H; left; reflexivity).
  assert (0 <= total l f) by (apply total_nonneg; intros; apply H; right; assumption).
  destruct I as [<-|I]; [lra|]. apply IH; [intros; apply H; right; assumption | lra | assumption].
Qed.

Lemma sum_each N f : (forall k, (k < N)%nat -> 0 <= f k) -> sum N f <= 0 -> forall k, (k < N)%nat -> f k = 0.
Proof.
  induction N as [|N IH]; intros H S k K; [lia|]. rewrite sum_last in S.
  assert (0 <= sum N f) by (apply sum_nonneg; intros; apply H; lia). assert (0 <= f N) by (apply H; lia).
  destruct (Nat.eq_dec k N) as [->|Ne]; [lra|]. apply IH; [intros; apply H; lia | lra | lia].
Qed.

Lemma most_total kaps (gs : list group) : Q2R (most kaps gs) = total gs (fun g => INR (snd g) * Q2R (largest kaps (fst g))).
Proof.
  unfold most. induction gs as [|[l k] gs IH]; [apply Q2R_0|]. cbn [fold_right fst snd]. rewrite total_cons. cbn [fst snd].
  destruct (Nat.eqb_spec k 0) as [->|Ne]; [rewrite IH; simpl; ring|]. autorewrite with q2r. rewrite Q2R_nat, IH. reflexivity.
Qed.

Lemma count_total l ts a : total ts (fun t => if mem t l then a else 0) = INR (count l ts) * a.
Proof.
  induction ts as [|t ts IH]; [unfold total; simpl; ring|]. rewrite total_cons, IH. cbn [count]. rewrite plus_INR.
  destruct (mem t l); simpl INR; ring.
Qed.

(* Where the units lose as much as they may, each loses the most of its group. *)
Lemma spent_tight kaps (gs : list group) ts : (forall t, 0 <= Q2R (nth t kaps 0%Q)) -> inside gs ts -> Q2R (most kaps gs) <= spent kaps ts ->
  forall l k t, In (l, k) gs -> In t ts -> mem t l = true -> Q2R (nth t kaps 0%Q) = Q2R (largest kaps l).
Proof.
  intros HK HI HS l k t Ig It M. pose proof (spent_groups kaps gs ts HK (proj2 HI)) as A.
  set (gap := fun (g : group) t => if mem t (fst g) then Q2R (largest kaps (fst g)) - Q2R (nth t kaps 0%Q) else 0).
  assert (P : forall g t, 0 <= gap g t).
  { intros g u. unfold gap. destruct (mem u (fst g)) eqn:E; [|lra]. apply (largest_mem kaps) in E. lra. }
  assert (Z : total gs (fun g => total ts (gap g)) <= 0).
  { assert (E : Q2R (most kaps gs) = total gs (fun g => total ts (fun t => if mem t (fst g) then Q2R (largest kaps (fst g)) else 0))).
    { rewrite most_total. apply total_ext. intros [l' k'] I. cbn [fst snd]. rewrite count_total, (proj1 HI l' k' I). reflexivity. }
    assert (F : total gs (fun g => total ts (gap g)) = Q2R (most kaps gs) - total gs (fun g => total ts (fun t => if mem t (fst g) then Q2R (nth t kaps 0%Q) else 0))).
    { rewrite E. unfold Rminus. rewrite <- (Rmult_1_l (total gs (fun g => total ts (fun t => if mem t (fst g) then Q2R (nth t kaps 0%Q) else 0)))), Ropp_mult_distr_l, <- total_scale, <- total_plus.
      apply total_ext. intros g _. rewrite <- total_scale, <- total_plus. apply total_ext. intros u _. unfold gap. destruct (mem u (fst g)); ring. }
    lra. }
  assert (G := total_each gs (fun g => total ts (gap g)) (fun g _ => total_nonneg ts (gap g) (fun u _ => P g u)) Z (l, k) Ig). cbv beta in G.
  assert (G' := total_each ts (gap (l, k)) (fun u _ => P (l, k) u) (Req_le _ _ G) t It). unfold gap in G'. cbn [fst] in G'. rewrite M in G'. lra.
Qed.

Lemma vec_scaled a l k : vec (map (Qmult a) l) k = Q2R a * vec l k.
Proof.
  revert k; induction l as [|x l IH]; intros k; cbn [map]; rewrite ?vec_nil; [ring|].
  destruct k; [unfold vec; cbn [nth]; apply Q2R_mult | apply (IH k)].
Qed.

Lemma at_top_In top l kaps es t d : mem t l = true -> (t < length es)%nat -> (t < length kaps)%nat -> Qeq_bool (nth t kaps 0%Q) top = true ->
  In (nth t es d) (at_top top l kaps es).
Proof.
  unfold mem. revert l kaps es; induction t as [|t IH]; intros [|a l] [|k kaps] [|e es] M E K Q0; simpl in E, K; try lia; try discriminate; cbn [nth at_top] in *.
  - rewrite M, Q0. left. reflexivity.
  - destruct (a && Qeq_bool k top); [right|]; apply IH; try assumption; lia.
Qed.

Lemma weight_index (p : arranged) k : 0 < vec (map rw (rows p)) k -> (k < length (rows p))%nat.
Proof.
  intros H. destruct (Nat.lt_ge_cases k (length (rows p))) as [L|L]; [exact L|]. exfalso. revert H. unfold vec.
  rewrite nth_overflow by (rewrite map_length; assumption). rewrite Q2R_0. lra.
Qed.

(* ---- units that are listed --------------------------------------------------------------------------------------------- *)

Definition is_one_of (p : arranged) (n : nat) (s : nat -> R) (beta : R) (ms : list listed_units) (c : nat -> nat -> R) : Prop :=
  exists m, In m ms /\ Q2R (fst m) = beta /\ exists pairs, Permutation (map fst pairs) (seq 0 (length (snd m))) /\ Permutation (map snd pairs) (seq 0 n)
    /\ forall j i, In (j, i) pairs -> forall k, 0 < vec (map rw (rows p)) k -> vec (nth j (snd m) []) k = s i * response p c i k.

Lemma permuted_seq (l : list nat) : map (fun j => nth j l O) (seq 0 (length l)) = l.
Proof.
  apply (nth_ext _ _ O O); [rewrite map_length, seq_length; reflexivity|]. intros i I. rewrite map_length, seq_length in I.
  rewrite nth_indep with (d' := (fun j => nth j l O) O) by (rewrite map_length, seq_length; assumption).
  rewrite (map_nth (fun j => nth j l O)), seq_nth by assumption. reflexivity.
Qed.

Lemma vec_pulled (x : list Q) ps k : (k < length ps)%nat -> vec (map (fun i => nth i x 0%Q) ps) k = vec x (nth k ps O).
Proof.
  intros K. unfold vec. rewrite nth_indep with (d' := (fun i => nth i x 0%Q) O) by (rewrite map_length; assumption).
  rewrite (map_nth (fun i => nth i x 0%Q)). reflexivity.
Qed.

Lemma kept_is_one_of (p : arranged) n s beta ms T places c :
  keeps p T places -> closed_under (map rw (rows p)) ms places = true ->
  is_one_of p n s beta ms (fun i => T (c i)) -> is_one_of p n s beta ms c.
Proof.
  intros [PL MR] C (m & Im & B & pairs & P1 & P2 & HP).
  unfold closed_under in C. rewrite forallb_forall in C. specialize (C m Im). apply existsb_exists in C. destruct C as (m' & Im' & C).
  apply andb_prop in C. destruct C as [E C]. apply Qeq_bool_iff, Qeq_eqR in E. destruct (matches_sound _ _ _ C) as (js & Pj & F).
  assert (Lj : length js = length (snd m)) by (symmetry; exact (Forall2_length _ _ _ F)).
  exists m'. split; [exact Im'|]. split; [rewrite <- E; exact B|].
  exists (map (fun e => (nth (fst e) js O, snd e)) pairs). split; [|split].
  - rewrite map_map. cbn [fst]. rewrite <- (map_map fst (fun j => nth j js O)).
    eapply Permutation_trans; [apply Permutation_map, P1|]. rewrite <- Lj, permuted_seq. apply Permutation_sym, Pj.
  - rewrite map_map. cbn [snd]. exact P2.
  - intros j' i I k0 K0. apply in_map_iff in I. destruct I as ([j i'] & X & I). cbn [fst snd] in X. injection X as <- ->.
    pose proof (weight_index p k0 K0) as L0.
    assert (Ik : exists k, (k < length (rows p))%nat /\ nth k places O = k0).
    { unfold permutes in PL. apply andb_prop in PL. destruct PL as [L PL]. apply Nat.eqb_eq in L. rewrite forallb_forall in PL.
      specialize (PL k0 ltac:(apply in_seq; lia)). apply existsb_exists in PL. destruct PL as (x & Ix & X). apply Nat.eqb_eq in X. subst x.
      destruct (In_nth _ _ O Ix) as (k & Lk & Ek). exists k. split; [lia | exact Ek]. }
    destruct Ik as (k & Lk & Ek). destruct (MR k Lk) as (W & [Z | [_ RE]]); rewrite Ek in W; [lra|].
    assert (Kk : 0 < vec (map rw (rows p)) k) by (rewrite <- W; exact K0).
    specialize (HP j i I k Kk).
    assert (Ij : (j < length (snd m))%nat).
    { assert (J : In j (map fst pairs)) by (apply in_map_iff; exists (j, i); split; [reflexivity | exact I]).
      apply (Permutation_in _ P1), in_seq in J. lia. }
    assert (Ag : agrees (map rw (rows p)) (nth j (snd m) []) (map (fun k => nth k (nth (nth j js O) (snd m') []) 0%Q) places) = true).
    { clear -F Ij. revert j Ij. induction F as [|x y xs ys H F IH]; intros j Ij; [simpl in Ij; lia|]. destruct j; [exact H|]. apply IH. simpl in Ij; lia. }
    apply (agrees_sound _ _ _ k) in Ag; [|exact Kk]. rewrite vec_pulled, Ek in Ag.
    + rewrite <- Ag, HP. unfold response. rewrite RE, Ek. reflexivity.
    + unfold permutes in PL. apply andb_prop in PL. destruct PL as [L _]. apply Nat.eqb_eq in L. lia.
Qed.

(* At equality every unit adds s h/lambda, and what is left of z + y is the output bias. *)
Lemma leaf_is_one_of (p : arranged) n s beta ts gs vs c cu ms lower :
  0 < noise (Q2R (rate1 p)) -> Q2R (hidden_ratio p) = noise (Q2R (rate1 p)) -> good_rows p ->
  (biases p = false -> beta = 0) ->
  cut_valid p ts cu = true ->
  typed p n s ts vs c -> inside gs vs ->
  let kaps := kappas_of p ts cu in
  let b := base_of p cu in
  enough (hidden_ratio p) lower b kaps gs = true ->
  (tight (hidden_ratio p) lower b kaps gs = true -> apart gs = true /\
     forall d, In d (draws (map (fun g => (pool (not_zero (map ru (rows p))) (map ru (rows p)) (map rw (rows p)) (hidden_ratio p) cu kaps ts g, snd g)) gs)) ->
       choice_ok (biases p) (map rw (rows p)) (map ry (rows p)) (res cu) ms d = true) ->
  Q2R lower <= on_rows p n s beta c /\ (on_rows p n s beta c = Q2R lower -> is_one_of p n s beta ms c).
Proof.
  intros L0 LR HR HB OK HT HI kaps b HE HD. pose proof (proj1 HR) as Wn.
  destruct (cut_parts p n s beta ts vs c cu L0 HR HB OK HT) as (parts & P0 & J).
  destruct (enough_sound p lower ts gs vs cu L0 LR HR HE HI) as [X Y]. fold kaps b in J, X, Y.
  set (ws := map rw (rows p)) in *. set (us := map ru (rows p)) in *. set (ys := map ry (rows p)) in *. set (N := length (rows p)) in *.
  set (lambda := noise (Q2R (rate1 p))) in *. destruct HT as [Lt HT].
  assert (IL : 0 < / lambda) by (apply Rinv_0_lt_compat, L0).
  pose proof (sum_nonneg n parts P0) as SP.
  set (h := fun i => vec (witness_of p cu ts (nth i vs O))) in *.
  set (off := fun i => / lambda * sum N (fun k => vec ws k * (lambda * response p c i k - h i k) ^ 2)).
  set (far := fun k => vec ws k * (sum n (fun i => s i * response p c i k) + beta - vec ys k - vec (res cu) k) ^ 2).
  change (on_rows p n s beta c = Q2R b - spent kaps vs / lambda + sum n off + sum n parts + sum N far) in J.
  assert (O0 : forall i, (i < n)%nat -> 0 <= off i).
  { intros i _. apply Rmult_le_pos; [lra|]. apply sum_nonneg. intros k _. apply Rmult_le_pos; [apply Wn | apply pow2_ge_0]. }
  assert (F0 : forall k, (k < N)%nat -> 0 <= far k) by (intros k _; apply Rmult_le_pos; [apply Wn | apply pow2_ge_0]).
  pose proof (sum_nonneg n off O0) as SO. pose proof (sum_nonneg N far F0) as SF.
  set (slack := Q2R (most kaps gs) - spent kaps vs) in *.
  assert (SL : 0 <= slack / lambda) by (apply Rmult_le_pos; [unfold slack; lra | lra]).
  split; [lra|]. intros EJ.
  assert (TS : Q2R (most kaps gs) <= spent kaps vs).
  { assert (Z : slack / lambda = 0) by lra. assert (slack = 0); [|unfold slack in *; lra].
    apply (Rmult_eq_reg_r (/ lambda)); [unfold Rdiv in Z; lra | lra]. }
  assert (TI : tight (hidden_ratio p) lower b kaps gs = true).
  { unfold tight. apply Qle_bool_iff, Rle_Qle. unfold Qdiv. rewrite Q2R_plus, Q2R_mult, Q2R_inv', LR. fold lambda.
    assert (SPM : spent kaps vs = Q2R (most kaps gs)) by lra. rewrite SPM in J. unfold Rdiv in J. lra. }
  destruct (HD TI) as [HA HC]. clear HD.
  assert (Hoff : forall i, (i < n)%nat -> forall k, 0 < vec ws k -> lambda * response p c i k = h i k).
  { intros i I k K. assert (Z : off i = 0) by (apply (sum_each n off); [exact O0 | lra | exact I]).
    assert (Z' : sum N (fun k => vec ws k * (lambda * response p c i k - h i k) ^ 2) <= 0).
    { apply Req_le. apply (Rmult_eq_reg_l (/ lambda)); [unfold off in Z; lra | lra]. }
    assert (Z2 := sum_each N _ (fun k _ => Rmult_le_pos _ _ (Wn k) (pow2_ge_0 _)) Z' k (weight_index p k K)). cbv beta in Z2.
    apply Rmult_integral in Z2. destruct Z2 as [Z2|Z2]; [lra|]. apply (Rsqr_0_uniq) in Z2 || (assert (lambda * response p c i k - h i k = 0) by nra; lra). }
  assert (Hfar : forall k, 0 < vec ws k -> sum n (fun i => s i * response p c i k) + beta = vec ys k + vec (res cu) k).
  { intros k K. assert (Z := sum_each N far F0 ltac:(lra) k (weight_index p k K)). unfold far in Z.
    apply Rmult_integral in Z. destruct Z as [Z|Z]; [lra|].
    assert (sum n (fun i => s i * response p c i k) + beta - vec ys k - vec (res cu) k = 0) by nra. lra. }
  clear J X SP SO SF SL EJ P0 O0 F0 off far parts.
  (* the units choose from the pools *)
  set (e := fun i => nth (nth i vs O) (with_witnesses ts (wits cu)) ((true, []), None)).
  set (hit := fun i x => agrees ws (at_equality (not_zero us) us (res cu) (hidden_ratio p) (e i)) x).
  assert (Lvs : map (fun i => nth i vs O) (seq 0 n) = vs) by (rewrite <- Lt; apply permuted_seq).
  destruct (draws_complete hit (fun i => nth i vs O) (pool (not_zero us) us ws (hidden_ratio p) cu kaps ts) gs (seq 0 n) HA) as (d & Id & is & Pi & Fi).
  { rewrite Lvs. exact HI. }
  { intros l k Ig i Ii M. apply in_seq in Ii. destruct (HT i ltac:(lia)) as (T1 & _).
    assert (Iv : In (nth i vs O) vs) by (apply nth_In; lia).
    assert (k <> O).
    { rewrite <- (proj1 HI l k Ig). pose proof (count_some l vs _ Iv M). lia. }
    unfold pool. cbn [fst snd]. destruct k as [|k]; [congruence|]. apply distinct_complete. apply in_map.
    apply at_top_In; [exact M | rewrite with_witnesses_length; exact T1 | unfold kaps; rewrite kappas_length; exact T1|].
    apply Qeq_bool_iff, eqR_Qeq. apply (spent_tight kaps gs vs (fun t => kappa_at_nonneg p cu ts t HR) HI TS l (S k) _ Ig Iv M). }
  assert (At : forall i, (i < n)%nat -> forall k, 0 < vec ws k -> vec (at_equality (not_zero us) us (res cu) (hidden_ratio p) (e i)) k = s i * response p c i k).
  { intros i I k K. destruct (HT i I) as (T1 & _ & T3). unfold at_equality, e. rewrite with_witnesses_nth by exact T1. cbn [fst snd].
    rewrite vec_scaled. unfold Qdiv. rewrite Q2R_mult, Q2R_inv', LR, <- T3. fold lambda.
    change (vec (witness (not_zero us) us (res cu) (nth (nth i vs O) ts (true, [])) (nth (nth i vs O) (wits cu) None)) k) with (h i k).
    rewrite <- (Hoff i I k K). field. lra. }
  assert (Hd : forall i x, In (i, x) (combine is d) -> forall k, 0 < vec ws k -> vec x k = s i * response p c i k).
  { intros i x I k K. assert (Ii : In i (seq 0 n)) by (apply (Permutation_in _ (Permutation_sym Pi)), (in_combine_l _ _ _ _ I)).
    apply in_seq in Ii. rewrite <- (At i ltac:(lia) k K). symmetry. apply (agrees_sound ws); [|exact K].
    clear -Fi I. induction Fi; [contradiction|]. destruct I as [E|I]; [injection E as <- <-; assumption | auto]. }
  assert (Sd : forall k, 0 < vec ws k -> total d (fun x => vec x k) = sum n (fun i => s i * response p c i k)).
  { intros k K. transitivity (total is (fun i => s i * response p c i k)).
    - assert (Ld : length is = length d) by exact (Forall2_length _ _ _ Fi). clear -Hd K Ld. revert d Ld Hd.
      induction is as [|i is IH]; intros [|x d] Ld Hd; simpl in Ld; try discriminate; [reflexivity|].
      rewrite !total_cons. rewrite (Hd i x (or_introl eq_refl) k K), (IH d); [reflexivity | congruence|].
      intros; apply Hd; [right; assumption | assumption].
    - transitivity (total (seq 0 n) (fun i => s i * response p c i k)).
      + clear -Pi. unfold total. apply Permutation_sym in Pi. induction Pi; simpl; lra.
      + rewrite (total_nth _ _ O), seq_length. apply sum_ext. intros i I. rewrite seq_nth by exact I. reflexivity. }
  destruct (choice_sound (biases p) ws ys (res cu) ms d beta (HC d Id) HB) as (m & Im & Bm & js & Pj & Fj).
  { intros k K. rewrite (Sd k K). pose proof (Hfar k K). lra. }
  assert (L1 : length js = length is).
  { rewrite (Forall2_length _ _ _ Fi). symmetry. exact (Forall2_length _ _ _ Fj). }
  exists m. split; [exact Im|]. split; [exact Bm|]. exists (combine js is). split; [|split].
  - rewrite combine_fst by exact L1. apply Permutation_sym, Pj.
  - rewrite combine_snd by exact L1. apply Permutation_sym, Pi.
  - intros j i I k K.
    assert (Z : exists x, In (i, x) (combine is d) /\ agrees ws (nth j (snd m) []) x = true).
    { clear -Fi Fj I. revert js I Fj. induction Fi as [|i' x is d H F IH]; intros js I G; inversion G; subst; [contradiction|].
      destruct I as [E|I]; [injection E as <- <-; eexists; split; [left; reflexivity | assumption]|].
      match goal with F2 : Forall2 _ d ?l |- _ => destruct (IH l I F2) as (z & Iz & Az) end. exists z. split; [right; assumption | assumption]. }
    destruct Z as (x & Ix & Ax). rewrite (agrees_sound ws _ _ k Ax K). exact (Hd i x Ix k K).
Qed.

Lemma unit_on_vec rs unit a k : vec (unit_on rs unit a) k
  = if (k <? length rs)%nat then Q2R a * relu (ip (fun j => match j with O => Q2R (snd unit) | S i => vec (fst unit) i end) (ru (nth k rs no_row))) else 0.
Proof.
  unfold vec at 1, unit_on. destruct (Nat.ltb_spec k (length rs)) as [L|L].
  - set (f := fun s => Qred (a * qrelu (qdot (snd unit :: fst unit) (ru s)))).
    rewrite nth_indep with (d' := f no_row) by (rewrite map_length; assumption). rewrite map_nth. unfold f.
    autorewrite with q2r. rewrite Q2R_relu, Q2R_dot, ip_sum. do 2 f_equal. apply sum_ext. intros [|j] _; reflexivity.
  - rewrite nth_overflow by (rewrite map_length; assumption). apply Q2R_0.
Qed.

Theorem check_minimisers_sound p n lower cert Vs :
  check_minimisers p n lower cert Vs = true ->
  forall W, widths W = [n] -> admissible p W ->
  Q2R lower <= problem_criterion p W
  /\ (problem_criterion p W = Q2R lower -> exists V, In V Vs /\ same_minimiser p (real V) W).
Proof.
  intros C W HW HA. unfold check_minimisers in C. cbv zeta in C.
  set (p' := Arranged p (in_order cert)) in *. change (admissible p' W) in HA. change (problem_criterion p W) with (problem_criterion p' W).
  change (same_minimiser p) with (same_minimiser p'). clearbody p'. clear p. rename p' into p.
  set (ms := flat_map (units_on (rows p)) Vs) in C.
  apply andb_prop in C. destruct C as [CM C]. rewrite forallb_forall in CM.
  destruct (check_leaves_data _ _ _ _ C) as (CI & _ & C0 & C1 & HR). destruct (lambda_positive p C0 C1) as (L0 & R1 & LR).
  destruct W as [|m A b W]; [discriminate|]. destruct W as [w beta|]; [|discriminate]. injection HW as ->.
  rewrite criterion_on_rows by assumption. set (s := fun i => unit_sign (w i)).
  assert (G : Q2R lower <= on_rows p n s beta (fun i => unit_vector (w i) (A i) (b i))
    /\ (on_rows p n s beta (fun i => unit_vector (w i) (A i) (b i)) = Q2R lower -> is_one_of p n s beta ms (fun i => unit_vector (w i) (A i) (b i)))).
  { apply (leaves_sound _ p n cert A b w beta (fun c => Q2R lower <= on_rows p n s beta c /\ (on_rows p n s beta c = Q2R lower -> is_one_of p n s beta ms c)) C HA).
    - intros T places c Ip K. rewrite (kept_on_rows p n s beta T places c K). intros [G1 G2]. split; [exact G1|]. intros E.
      apply (kept_is_one_of p n s beta ms T places c K (CM places Ip)). apply G2, E.
    - intros ts i gs vs c CC HL HI HT. unfold listed_leaf in HL. cbv zeta in HL. rewrite nth_error_map in HL.
      destruct (nth_error (cuts cert) i) as [cu|] eqn:Ec; [|discriminate]. cbn [option_map] in HL.
      rewrite forallb_forall in CC. specialize (CC cu (nth_error_In _ _ Ec)).
      destruct (enough _ _ _ _ _) eqn:HE in HL; [|discriminate].
      apply (leaf_is_one_of p n s beta ts gs vs c cu ms lower L0 LR HR); try assumption.
      { intros X. destruct HA as [AB _]. destruct (AB X) as [_ Y]. exact Y. }
      intros TI.
      match type of HL with context [tight ?a ?l ?b ?k ?g] => change (tight a l b k g) with (tight a l (base_of p cu) (kappas_of p ts cu) g) in HL end.
      rewrite TI in HL. destruct (apart gs) eqn:HAp; [|discriminate]. split; [reflexivity|].
      rewrite forallb_forall in HL. exact HL. }
  destruct G as [G1 G2]. split; [exact G1|]. intros E. destruct (G2 E) as (m & Im & Bm & pairs & P1 & P2 & HP).
  unfold ms in Im. apply in_flat_map in Im. destruct Im as (V & IV & Im). exists V. split; [exact IV|].
  destruct V as [|units V]; [contradiction|]. destruct V as [v gamma|]; [|contradiction]. destruct Im as [<-|[]]. cbn [fst snd] in *.
  rewrite map_length, seq_length in P1.
  cbn [real same_minimiser]. split; [exact Bm|]. exists pairs. split; [exact P1|]. split; [exact P2|].
  intros j i I t It Wt.
  assert (Ir : In t (rows p)) by (unfold rows; apply in_or_app; right; exact It).
  destruct (In_nth _ _ no_row Ir) as (k & Lk & Ek). subst t.
  assert (K : 0 < vec (map rw (rows p)) k) by (rewrite vec_rw; exact Wt).
  specialize (HP j i I k K).
  assert (Lj : (j < length units)%nat).
  { assert (Jj : In j (map fst pairs)) by (apply in_map_iff; exists (j, i); split; [reflexivity | exact I]).
    apply (Permutation_in _ P1), in_seq in Jj. lia. }
  set (f := fun i => unit_on (rows p) (nth i units ([], 0%Q)) (nth i v 0%Q)) in HP.
  rewrite nth_indep with (d' := f O) in HP by (rewrite map_length, seq_length; assumption).
  rewrite (map_nth f), seq_nth in HP by assumption. cbn [Nat.add] in HP. unfold f in HP. rewrite unit_on_vec in HP.
  apply Nat.ltb_lt in Lk. rewrite Lk in HP.
  unfold adds, s, response in *. rewrite nth_ru, <- unit_response in HP. exact HP.
Qed.

(* Listed networks have the shape, the biases and signs that are asked for, and attain the value. *)
Definition allowed (p : problem) (V : qnetwork) : bool :=
  match V with
  | QHidden units (QOutput w beta) =>
      (biases p || (forallb (fun u => Qeq_bool (snd u) 0) units && Qeq_bool beta 0)) &&
      (negb (nonneg p) || (forallb (fun u => forallb (Qle_bool 0) (fst u)) units && forallb (Qle_bool 0) w))
  | _ => false
  end.

Definition attains (p : problem) (n : nat) (value : Q) (V : qnetwork) : bool :=
  match V with
  | QHidden units _ => Nat.eqb (length units) n && allowed p V && Qeq_bool (qcriterion [rate0 p; rate1 p] V (data p)) value
  | _ => false
  end.

Lemma allowed_sound p V : allowed p V = true -> admissible p (real V).
Proof.
  destruct V as [|units V]; [discriminate|]. destruct V as [w beta|]; [|discriminate]. cbn [allowed]. rewrite !andb_true_iff. intros [HB HN].
  cbn [real]. split.
  - intros B. rewrite B in HB. cbn [orb] in HB. apply andb_prop in HB. destruct HB as [HB H0]. rewrite forallb_forall in HB.
    split; [|cbn [zero_biases]; rewrite (Qeq_eqR _ _ (Qeq_bool_eq _ _ H0)); apply Q2R_0]. intros i I.
    rewrite (Qeq_eqR _ _ (Qeq_bool_eq _ _ (HB _ (nth_In units ([], 0%Q) I)))). apply Q2R_0.
  - intros N. rewrite N in HN. cbn [negb orb] in HN. apply andb_prop in HN. destruct HN as [HN HW]. rewrite forallb_forall in HN.
    split; [|intros j _; apply nonneg_vec, HW]. intros i j I _. apply nonneg_vec, HN, nth_In, I.
Qed.

Lemma networks_attain p n value Vs : inputs_ok (inputs p) (data p) && forallb (attains p n value) Vs = true ->
  forall V, In V Vs -> widths (real V) = [n] /\ admissible p (real V) /\ problem_criterion p (real V) = Q2R value.
Proof.
  intros H V I. apply andb_prop in H. destruct H as [HI H]. rewrite forallb_forall in H. specialize (H V I).
  destruct V as [|units V]; [discriminate|]. cbn [attains] in H. rewrite !andb_true_iff in H. destruct H as [[L A] E].
  split; [|split; [apply allowed_sound, A|]].
  - destruct V as [w beta|]; [|discriminate]. apply Nat.eqb_eq in L. cbn [real widths]. congruence.
  - unfold problem_criterion. rewrite criterion_real by exact HI. apply Qeq_eqR, Qeq_bool_iff, E.
Qed.
