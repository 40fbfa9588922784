(* Lower bounds on the dropout criterion of one hidden layer, from dual cuts and a tree: a Boolean check on integers and
   the theorem that it is sound for all real weights. The generated files apply the theorem to data.

   Points are numbered 0, 1, ...; a unit has a type t (its sign and the responses of the extreme rays of its cone, integer
   vectors over the points) and coefficients x_k >= 0; its response is g = sum_k x_k ray_k. Everything is multiplied by
   the common denominator of the weights, so that the weights w are integers. *)

Require Import Reals List ZArith Lia Lra Bool PeanoNat.
Import ListNotations.
Open Scope R_scope.

(* ---- sums over points ---------------------------------------------------------------------------------------- *)

Fixpoint sum (l : list nat) (f : nat -> R) : R :=
  match l with [] => 0 | u :: r => f u + sum r f end.

Lemma sum_plus l f g : sum l (fun u => f u + g u) = sum l f + sum l g.
Proof. induction l; simpl; [lra | rewrite IHl; lra]. Qed.

Lemma sum_scale l a f : sum l (fun u => a * f u) = a * sum l f.
Proof. induction l; simpl; [lra | rewrite IHl; lra]. Qed.

Lemma sum_ext l f g : (forall u, f u = g u) -> sum l f = sum l g.
Proof. intros E; induction l; simpl; [lra | rewrite IHl, E; lra]. Qed.

Lemma sum_nonneg l f : (forall u, 0 <= f u) -> 0 <= sum l f.
Proof. intros P; induction l; simpl; [lra | specialize (P a); lra]. Qed.

Definition vec (l : list Z) (u : nat) : R := IZR (nth u l 0%Z).

(* ---- types, units and the criterion -------------------------------------------------------------------------- *)

Record type := { sign : Z; rays : list (list Z) }.

Record data := {
  size : nat;                (* number of points *)
  weights : list Z;          (* w_u, multiplied by their common denominator *)
  labels : list Z;           (* y_u * scale *)
  noise : Z;                 (* noise * common denominator * scale *)
  scale : positive;
  lam_num : positive;        (* lambda = lam_num / lam_den *)
  lam_den : positive;
  types : list type;
  free_bias : bool
}.

Definition unit_ : Type := (nat * list R)%type.

Definition no_type : type := {| sign := 1; rays := [] |}.
Definition type_of (d : data) (t : nat) : type := nth t (types d) no_type.

Fixpoint combination (xs : list R) (rs : list (list Z)) (u : nat) : R :=
  match xs, rs with x :: xs', r :: rs' => x * vec r u + combination xs' rs' u | _, _ => 0 end.

Definition response (d : data) (v : unit_) : nat -> R := combination (snd v) (rays (type_of d (fst v))).

Definition points (d : data) : list nat := seq 0 (size d).
Definition weight (d : data) : nat -> R := vec (weights d).
Definition label (d : data) (u : nat) : R := vec (labels d) u / IZR (Zpos (scale d)).
Definition lambda (d : data) : R := IZR (Zpos (lam_num d)) / IZR (Zpos (lam_den d)).
Definition inner (d : data) (f g : nat -> R) : R := sum (points d) (fun u => weight d u * (f u * g u)).

Fixpoint fit (d : data) (us : list unit_) (u : nat) : R :=
  match us with [] => 0 | v :: r => IZR (sign (type_of d (fst v))) * response d v u + fit d r u end.

Fixpoint penalty (d : data) (us : list unit_) : R :=
  match us with [] => 0 | v :: r => inner d (response d v) (response d v) + penalty d r end.

(* The criterion times the common denominator of the weights. *)
Definition criterion (d : data) (us : list unit_) (b : R) : R :=
  IZR (noise d) / IZR (Zpos (scale d))
  + sum (points d) (fun u => weight d u * ((b + fit d us u - label d u) * (b + fit d us u - label d u)))
  + lambda d * penalty d us.

Definition valid_unit (d : data) (v : unit_) : Prop :=
  (fst v < length (types d))%nat /\ Forall (fun x => 0 <= x) (snd v).

(* ---- the dual bound, over the reals -------------------------------------------------------------------------- *)

Lemma inner_combination d f xs rs :
  Forall (fun x => 0 <= x) xs -> Forall (fun r => 0 <= inner d f (vec r)) rs -> 0 <= inner d f (combination xs rs).
Proof.
  revert rs; induction xs as [|x xs IH]; intros rs Hx Hr.
  - unfold inner. rewrite (sum_ext _ _ (fun _ => 0 * 0)) by (intros; simpl; ring). rewrite sum_scale. lra.
  - destruct rs as [|r rs].
    + unfold inner. rewrite (sum_ext _ _ (fun _ => 0 * 0)) by (intros; simpl; ring). rewrite sum_scale. lra.
    + inversion Hx; inversion Hr; subst.
      assert (E : inner d f (combination (x :: xs) (r :: rs)) = x * inner d f (vec r) + inner d f (combination xs rs)).
      { unfold inner. rewrite <- sum_scale, <- sum_plus. apply sum_ext. intros; simpl; ring. }
      rewrite E. specialize (IH rs H2 H6). assert (0 <= x * inner d f (vec r)) by (apply Rmult_le_pos; assumption). lra.
Qed.

Definition nonneg_weights (d : data) : bool := forallb (fun w => (0 <=? w)%Z) (weights d).

Lemma weight_nonneg d u : nonneg_weights d = true -> 0 <= weight d u.
Proof.
  unfold nonneg_weights, weight, vec. intros H. rewrite forallb_forall in H.
  destruct (Nat.lt_ge_cases u (length (weights d))) as [L|L].
  - apply IZR_le. apply Z.leb_le. apply H. apply nth_In; assumption.
  - rewrite nth_overflow by assumption. lra.
Qed.

Lemma square_nonneg d f : nonneg_weights d = true -> 0 <= inner d f f.
Proof.
  intros H. apply sum_nonneg. intros u. apply Rmult_le_pos; [apply weight_nonneg; assumption | nra].
Qed.

Lemma lambda_pos d : 0 < lambda d.
Proof. unfold lambda. apply Rdiv_lt_0_compat; apply IZR_lt; reflexivity. Qed.

(* A unit whose cone admits the witness h loses at most |h|^2 / lambda. *)
Lemma unit_bound d s z h g :
  nonneg_weights d = true -> 0 <= inner d (fun u => h u + s * z u) g ->
  - (inner d h h / lambda d) <= 2 * s * inner d z g + lambda d * inner d g g.
Proof.
  intros W H. pose proof (lambda_pos d) as L.
  assert (E : inner d (fun u => h u + s * z u) g = inner d h g + s * inner d z g).
  { unfold inner. rewrite <- sum_scale, <- sum_plus. apply sum_ext. intros; ring. }
  assert (S : inner d (fun u => lambda d * g u - h u) (fun u => lambda d * g u - h u)
              = lambda d * lambda d * inner d g g + (-2 * lambda d) * inner d h g + inner d h h).
  { unfold inner. rewrite <- !sum_scale, <- !sum_plus. apply sum_ext. intros; ring. }
  pose proof (square_nonneg d (fun u => lambda d * g u - h u) W) as P. rewrite S in P. rewrite E in H.
  assert (Q : 0 <= (lambda d * lambda d * inner d g g + -2 * lambda d * inner d h g + inner d h h) / lambda d).
  { apply Rmult_le_pos; [assumption | apply Rlt_le, Rinv_0_lt_compat; assumption]. }
  assert (F : (lambda d * lambda d * inner d g g + -2 * lambda d * inner d h g + inner d h h) / lambda d
              = lambda d * inner d g g - 2 * inner d h g + inner d h h / lambda d) by (field; lra).
  rewrite F in Q. lra.
Qed.

Fixpoint linear_part (d : data) (z : nat -> R) (us : list unit_) : R :=
  match us with
  | [] => 0
  | v :: r => (2 * IZR (sign (type_of d (fst v))) * inner d z (response d v)
              + lambda d * inner d (response d v) (response d v)) + linear_part d z r
  end.

Lemma linear_part_is d z us : linear_part d z us = 2 * inner d z (fit d us) + lambda d * penalty d us.
Proof.
  induction us as [|v r IH]; simpl.
  - unfold inner. rewrite (sum_ext _ _ (fun _ => 0 * 0)) by (intros; ring). rewrite sum_scale. lra.
  - rewrite IH.
    assert (E : inner d z (fun u => IZR (sign (type_of d (fst v))) * response d v u + fit d r u)
                = IZR (sign (type_of d (fst v))) * inner d z (response d v) + inner d z (fit d r)).
    { unfold inner. rewrite <- sum_scale, <- sum_plus. apply sum_ext. intros; ring. }
    rewrite E. lra.
Qed.

Lemma cut_bound d z us b :
  nonneg_weights d = true -> (b = 0 \/ sum (points d) (fun u => weight d u * z u) = 0) ->
  IZR (noise d) / IZR (Zpos (scale d)) - 2 * inner d z (label d) - inner d z z + linear_part d z us <= criterion d us b.
Proof.
  intros W B. unfold criterion. rewrite linear_part_is.
  pose proof (square_nonneg d (fun u => b + fit d us u - label d u - z u) W) as P. unfold inner in P.
  assert (E : sum (points d) (fun u => weight d u * ((b + fit d us u - label d u - z u) * (b + fit d us u - label d u - z u)))
    = sum (points d) (fun u => weight d u * ((b + fit d us u - label d u) * (b + fit d us u - label d u)))
      + (-2 * b) * sum (points d) (fun u => weight d u * z u) + (-2) * inner d z (fit d us)
      + 2 * inner d z (label d) + inner d z z).
  { unfold inner. rewrite <- !sum_scale, <- !sum_plus. apply sum_ext. intros; ring. }
  rewrite E in P.
  assert (Z0 : -2 * b * sum (points d) (fun u => weight d u * z u) = 0).
  { destruct B as [B|B]; rewrite B; ring. }
  lra.
Qed.

(* ---- integers: what is checked by computation ----------------------------------------------------------------- *)

Fixpoint dot (l : list nat) (a b c : list Z) : Z :=
  match l with [] => 0%Z | u :: r => (nth u a 0 * (nth u b 0 * nth u c 0) + dot r a b c)%Z end.

Lemma dot_inner d f g : inner d (vec f) (vec g) = IZR (dot (points d) (weights d) f g).
Proof.
  unfold inner, weight, vec. induction (points d) as [|u l IH]; simpl; [lra|].
  rewrite plus_IZR, !mult_IZR, IH. lra.
Qed.

(* Faster products of whole lists; equal to [dot] when no list is shorter than the weights. *)
Fixpoint dots (a b c : list Z) : Z :=
  match a, b, c with x :: a', y :: b', z :: c' => (x * (y * z) + dots a' b' c')%Z | _, _, _ => 0%Z end.

Lemma dot_shift a b c x y z l : dot (map S l) (x :: a) (y :: b) (z :: c) = dot l a b c.
Proof. induction l; simpl; [reflexivity | rewrite IHl; reflexivity]. Qed.

Lemma dots_is a b c : length b = length a -> length c = length a -> dots a b c = dot (seq 0 (length a)) a b c.
Proof.
  revert b c; induction a as [|x a IH]; intros b c Hb Hc; destruct b, c; try discriminate; simpl; [reflexivity|].
  rewrite <- seq_shift, dot_shift, IH by (simpl in *; lia). reflexivity.
Qed.

Definition fits (d : data) (l : list Z) : bool := (length l =? size d)%nat.

Record cut := { den : positive; res : list Z; wits : list (list Z) }.   (* z = res/den; h_t = wits_t/den *)

Fixpoint add_scaled (s : Z) (h z : list Z) : list Z :=
  match h, z with a :: h', b :: z' => (a + s * b)%Z :: add_scaled s h' z' | _, _ => [] end.

Lemma add_scaled_nth s h z u : length h = length z -> nth u (add_scaled s h z) 0%Z = (nth u h 0 + s * nth u z 0)%Z.
Proof.
  revert z u; induction h as [|a h IH]; intros z u E; destruct z; try discriminate; simpl.
  - destruct u; lia.
  - destruct u; [reflexivity | apply IH; simpl in E; lia].
Qed.

Lemma add_scaled_length s h z : length h = length z -> length (add_scaled s h z) = length h.
Proof. revert z; induction h; intros z E; destruct z; try discriminate; simpl in *; [reflexivity | rewrite IHh; lia]. Qed.

(* Where no witness is given: the positive part of -s z on the points where the type responds. *)
Fixpoint positive_part (s : Z) (z reach : list Z) : list Z :=
  match z, reach with
  | a :: z', r :: reach' => (if (r =? 0)%Z then 0%Z else Z.max 0 (- s * a)) :: positive_part s z' reach'
  | _, _ => []
  end.

Fixpoint join (a b : list Z) : list Z :=
  match a, b with x :: a', y :: b' => Z.max x y :: join a' b' | _, [] => a | [], _ => b end.

Definition witness (d : data) (c : cut) (t : nat) : list Z :=
  match nth t (wits c) [] with
  | [] => let k := type_of d t in positive_part (sign k) (res c) (fold_right join [] (rays k))
  | h => h
  end.

Definition type_ok (d : data) (c : cut) (t : nat) : bool :=
  let k := type_of d t in let h := witness d c t in
  let gap := add_scaled (sign k) h (res c) in
  fits d h && forallb (fun r => fits d r && (0 <=? dots (weights d) gap r)%Z) (rays k).

Definition kappa (d : data) (c : cut) (t : nat) : Z :=
  let h := witness d c t in dots (weights d) h h.

Definition mean_ok (d : data) (c : cut) : bool :=
  negb (free_bias d) || (dots (weights d) (res c) (map (fun _ => 1%Z) (res c)) =? 0)%Z.

Definition cut_ok (d : data) (c : cut) : bool :=
  fits d (res c) && mean_ok d c && forallb (type_ok d c) (seq 0 (length (types d))).

Definition data_ok (d : data) : bool := nonneg_weights d && fits d (weights d) && fits d (labels d).

(* The bound, multiplied by scale * den^2 * lam_num, when units lose [spent] in units of 1/den^2 before 1/lambda. *)
Definition enough (d : data) (c : cut) (lower spent : Z) : bool :=
  let D := Zpos (den c) in let E := Zpos (scale d) in let n := Zpos (lam_num d) in
  ((lower * (D * D) * n)
   <=? noise d * (D * D) * n
       - n * (2 * D * dots (weights d) (res c) (labels d) + E * dots (weights d) (res c) (res c))
       - E * Zpos (lam_den d) * spent)%Z.

Definition real_z (c : cut) (u : nat) : R := vec (res c) u / IZR (Zpos (den c)).
Definition real_h (d : data) (c : cut) (t u : nat) : R := vec (witness d c t) u / IZR (Zpos (den c)).

Lemma den_pos c : 0 < IZR (Zpos (den c)).
Proof. apply IZR_lt; reflexivity. Qed.

Lemma dots_inner d f g : data_ok d = true -> fits d f = true -> fits d g = true ->
  inner d (vec f) (vec g) = IZR (dots (weights d) f g).
Proof.
  unfold data_ok, fits. intros H F G. rewrite !andb_true_iff, !Nat.eqb_eq in *. destruct H as [[_ H] _].
  rewrite dot_inner, dots_is by congruence. unfold points. rewrite H. reflexivity.
Qed.

Lemma unit_ok d c v : data_ok d = true -> cut_ok d c = true -> valid_unit d v ->
  - (IZR (kappa d c (fst v)) / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d)
  <= 2 * IZR (sign (type_of d (fst v))) * inner d (real_z c) (response d v)
     + lambda d * inner d (response d v) (response d v).
Proof.
  intros HD HC [HT HX]. pose proof HD as HD'. unfold data_ok in HD'. rewrite !andb_true_iff in HD'.
  destruct HD' as [[W _] _]. unfold cut_ok in HC. rewrite !andb_true_iff in HC. destruct HC as [[HZ _] HC].
  rewrite forallb_forall in HC.
  assert (HT' : In (fst v) (seq 0 (length (types d)))) by (apply in_seq; lia).
  specialize (HC _ HT'). unfold type_ok in HC. rewrite andb_true_iff in HC. destruct HC as [HH HR].
  rewrite forallb_forall in HR. set (h := witness d c (fst v)) in *.
  assert (LH : length h = length (res c)).
  { unfold fits in HH, HZ. rewrite Nat.eqb_eq in HH, HZ. congruence. }
  pose proof (den_pos c) as DP.
  assert (K : inner d (real_h d c (fst v)) (real_h d c (fst v))
              = IZR (kappa d c (fst v)) / (IZR (Zpos (den c)) * IZR (Zpos (den c)))).
  { unfold kappa. fold h. rewrite <- dots_inner by assumption.
    unfold Rdiv. rewrite Rmult_comm. unfold inner. rewrite <- sum_scale. apply sum_ext. intros u. unfold real_h. fold h.
    field. lra. }
  rewrite <- K. apply unit_bound; [assumption|].
  apply inner_combination; [assumption|]. apply Forall_forall. intros r Hr. specialize (HR r Hr).
  rewrite andb_true_iff in HR. destruct HR as [FR PR]. apply Z.leb_le in PR. apply IZR_le in PR.
  rewrite <- dots_inner in PR; [| assumption | unfold fits; rewrite add_scaled_length by assumption; exact HH | assumption].
  assert (E : inner d (fun u => real_h d c (fst v) u + IZR (sign (type_of d (fst v))) * real_z c u) (vec r)
              = / IZR (Zpos (den c)) * inner d (vec (add_scaled (sign (type_of d (fst v))) h (res c))) (vec r)).
  { unfold inner. rewrite <- sum_scale. apply sum_ext. intros u. unfold real_h, real_z, vec. fold h.
    rewrite add_scaled_nth by assumption. rewrite plus_IZR, mult_IZR. field. lra. }
  rewrite E. apply Rmult_le_pos; [apply Rlt_le, Rinv_0_lt_compat; assumption | exact PR].
Qed.

Fixpoint spent (d : data) (c : cut) (us : list unit_) : Z :=
  match us with [] => 0%Z | v :: r => (kappa d c (fst v) + spent d c r)%Z end.

Lemma units_ok d c us : data_ok d = true -> cut_ok d c = true -> Forall (valid_unit d) us ->
  - (IZR (spent d c us) / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d) <= linear_part d (real_z c) us.
Proof.
  intros HD HC HV. pose proof (den_pos c) as DP. pose proof (lambda_pos d) as LP.
  induction HV as [|v r Hv Hr IH]; simpl.
  - unfold Rdiv. rewrite !Rmult_0_l. lra.
  - pose proof (unit_ok d c v HD HC Hv) as P. rewrite plus_IZR.
    replace ((IZR (kappa d c (fst v)) + IZR (spent d c r)) / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d)
      with (IZR (kappa d c (fst v)) / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d
            + IZR (spent d c r) / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d) by (field; lra).
    lra.
Qed.

Lemma enough_sound d c us b lower top :
  data_ok d = true -> cut_ok d c = true -> Forall (valid_unit d) us -> (free_bias d = true \/ b = 0) ->
  (spent d c us <= top)%Z -> enough d c lower top = true -> IZR lower / IZR (Zpos (scale d)) <= criterion d us b.
Proof.
  intros HD HC HV HB HS HE.
  pose proof (units_ok d c us HD HC HV) as PU.
  pose proof HD as HD'. unfold data_ok in HD'. rewrite !andb_true_iff in HD'. destruct HD' as [[W FW] FL].
  pose proof HC as HC'. unfold cut_ok in HC'. rewrite !andb_true_iff in HC'. destruct HC' as [[FZ HM] _].
  pose proof (den_pos c) as DP. pose proof (lambda_pos d) as LP.
  assert (SP : 0 < IZR (Zpos (scale d))) by (apply IZR_lt; reflexivity).
  assert (NP : 0 < IZR (Zpos (lam_num d))) by (apply IZR_lt; reflexivity).
  assert (MP : 0 < IZR (Zpos (lam_den d))) by (apply IZR_lt; reflexivity).
  assert (B : b = 0 \/ sum (points d) (fun u => weight d u * real_z c u) = 0).
  { destruct HB as [HB|HB]; [right | left; exact HB]. unfold mean_ok in HM. rewrite HB in HM. simpl in HM.
    apply Z.eqb_eq in HM.
    assert (F1 : fits d (map (fun _ => 1%Z) (res c)) = true) by (unfold fits; rewrite map_length; exact FZ).
    pose proof (dots_inner d (res c) (map (fun _ => 1%Z) (res c)) HD FZ F1) as Q. rewrite HM in Q.
    assert (E : sum (points d) (fun u => weight d u * real_z c u)
                = / IZR (Zpos (den c)) * inner d (vec (res c)) (vec (map (fun _ => 1%Z) (res c)))).
    { unfold inner. rewrite <- sum_scale.
      assert (G : forall l, (forall u, In u l -> (u < length (res c))%nat) ->
        sum l (fun u => weight d u * real_z c u)
        = sum l (fun u => / IZR (Zpos (den c)) * (weight d u * (vec (res c) u * vec (map (fun _ => 1%Z) (res c)) u)))).
      { induction l as [|a l IHl]; intros HL; simpl; [reflexivity|].
        rewrite IHl by (intros; apply HL; right; assumption).
        assert (O : vec (map (fun _ => 1%Z) (res c)) a = 1).
        { unfold vec. rewrite nth_indep with (d' := 1%Z).
          - change 1%Z with ((fun _ : Z => 1%Z) 0%Z) at 2. rewrite map_nth. reflexivity.
          - rewrite map_length. apply HL. left; reflexivity. }
        rewrite O. unfold real_z. field. lra. }
      apply G. intros u Hu. unfold points in Hu. apply in_seq in Hu. unfold fits in FZ. apply Nat.eqb_eq in FZ. lia. }
    rewrite E, Q. ring. }
  pose proof (cut_bound d (real_z c) us b W B) as PC.
  assert (EL : inner d (real_z c) (label d)
               = IZR (dots (weights d) (res c) (labels d)) / (IZR (Zpos (den c)) * IZR (Zpos (scale d)))).
  { rewrite <- dots_inner by assumption. unfold Rdiv. rewrite Rmult_comm. unfold inner. rewrite <- sum_scale.
    apply sum_ext. intros u. unfold real_z, label. field. lra. }
  assert (EZ : inner d (real_z c) (real_z c)
               = IZR (dots (weights d) (res c) (res c)) / (IZR (Zpos (den c)) * IZR (Zpos (den c)))).
  { rewrite <- dots_inner by assumption. unfold Rdiv. rewrite Rmult_comm. unfold inner. rewrite <- sum_scale.
    apply sum_ext. intros u. unfold real_z. field. lra. }
  rewrite EL, EZ in PC.
  assert (PS : IZR (spent d c us) / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d
               <= IZR top / (IZR (Zpos (den c)) * IZR (Zpos (den c))) / lambda d).
  { apply IZR_le in HS. unfold Rdiv. apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; assumption|].
    apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat, Rmult_lt_0_compat; assumption | assumption]. }
  unfold enough in HE. apply Z.leb_le in HE. apply IZR_le in HE.
  rewrite !minus_IZR, !mult_IZR, !plus_IZR, !mult_IZR in HE.
  set (D := IZR (Zpos (den c))) in *. set (E := IZR (Zpos (scale d))) in *. unfold lambda in *.
  set (n := IZR (Zpos (lam_num d))) in *. set (m := IZR (Zpos (lam_den d))) in *.
  set (zy := IZR (dots (weights d) (res c) (labels d))) in *. set (zz := IZR (dots (weights d) (res c) (res c))) in *.
  set (N := IZR (noise d)) in *. set (A := IZR lower) in *. set (T := IZR top) in *.
  assert (F : A / E <= N / E - 2 * (zy / (D * E)) - zz / (D * D) - T / (D * D) / (n / m)).
  { assert (K : 0 < E * (D * D) * n) by (repeat apply Rmult_lt_0_compat; assumption).
    apply Rmult_le_reg_r with (E * (D * D) * n); [assumption|].
    replace (A / E * (E * (D * D) * n)) with (A * (D * D) * n) by (field; lra).
    replace ((N / E - 2 * (zy / (D * E)) - zz / (D * D) - T / (D * D) / (n / m)) * (E * (D * D) * n))
      with (N * (D * D) * n - n * (2 * D * zy + E * zz) - E * m * T) by (field; lra).
    exact HE. }
  lra.
Qed.

(* ---- the tree ------------------------------------------------------------------------------------------------- *)

Definition group : Type := (list nat * nat)%type.
Definition mem (t : nat) (l : list nat) : bool := existsb (Nat.eqb t) l.

Lemma mem_In t l : mem t l = true <-> In t l.
Proof.
  unfold mem. rewrite existsb_exists. split.
  - intros [x [I E]]. apply Nat.eqb_eq in E. subst. assumption.
  - intros I. exists t. split; [assumption | apply Nat.eqb_refl].
Qed.

Definition without (l part : list nat) : list nat := filter (fun t => negb (mem t part)) l.

Fixpoint count (l : list nat) (us : list unit_) : nat :=
  match us with [] => 0%nat | v :: r => ((if mem (fst v) l then 1 else 0) + count l r)%nat end.

Definition inside (gs : list group) (us : list unit_) : Prop :=
  (forall l k, In (l, k) gs -> count l us = k) /\
  (forall v, In v us -> exists l k, In (l, k) gs /\ In (fst v) l).

Inductive tree := Leaf (c : nat) | Turn (below : tree) | Node (part : list nat) (children : list tree).

Fixpoint top (d : data) (c : cut) (l : list nat) : Z :=
  match l with [] => 0%Z | t :: r => Z.max (kappa d c t) (top d c r) end.

Fixpoint tops (d : data) (c : cut) (gs : list group) : Z :=
  match gs with [] => 0%Z | (l, k) :: r => ((if (k =? 0)%nat then 0 else Z.of_nat k * top d c l) + tops d c r)%Z end.

Fixpoint walk (d : data) (cuts : list cut) (lower : Z) (fuel : nat) (t : tree) (gs : list group) : bool :=
  match fuel with
  | O => false
  | S f =>
      match t with
      | Leaf i => match nth_error cuts i with Some c => enough d c lower (tops d c gs) | None => false end
      | Turn below => match gs with [] => false | g :: r => walk d cuts lower f below (r ++ [g]) end
      | Node part children =>
          match gs with
          | [] => false
          | (l, k) :: r =>
              forallb (fun t => mem t l) part && (length children =? S k)%nat &&
              forallb (fun a => match nth_error children a with
                                | Some child => walk d cuts lower f child ((without l part, k - a)%nat :: (part, a) :: r)
                                | None => false
                                end) (seq 0 (S k))
          end
      end
  end.

Lemma mem_without t l part : mem t (without l part) = mem t l && negb (mem t part).
Proof.
  apply eq_true_iff_eq. rewrite andb_true_iff, !mem_In. unfold without. rewrite filter_In. reflexivity.
Qed.

Lemma count_split l part us : forallb (fun t => mem t l) part = true ->
  count l us = (count (without l part) us + count part us)%nat.
Proof.
  intros H. rewrite forallb_forall in H. induction us as [|v r IH]; simpl; [reflexivity|].
  rewrite mem_without, IH. destruct (mem (fst v) part) eqn:E.
  - apply mem_In in E. rewrite (H _ E). simpl. lia.
  - rewrite andb_true_r. destruct (mem (fst v) l); simpl; lia.
Qed.

Lemma kappa_nonneg d c t : data_ok d = true -> cut_ok d c = true -> (t < length (types d))%nat -> (0 <= kappa d c t)%Z.
Proof.
  intros HD HC HT. pose proof HD as HD'. unfold data_ok in HD'. rewrite !andb_true_iff in HD'.
  destruct HD' as [[W _] _]. unfold cut_ok in HC. rewrite !andb_true_iff in HC. destruct HC as [_ HC].
  rewrite forallb_forall in HC. assert (I : In t (seq 0 (length (types d)))) by (apply in_seq; lia).
  specialize (HC t I). unfold type_ok in HC. rewrite andb_true_iff in HC. destruct HC as [HH _].
  apply le_IZR. unfold kappa. rewrite <- dots_inner by assumption. apply square_nonneg. assumption.
Qed.

Fixpoint part_spent (d : data) (c : cut) (l : list nat) (us : list unit_) : Z :=
  match us with [] => 0%Z | v :: r => ((if mem (fst v) l then kappa d c (fst v) else 0) + part_spent d c l r)%Z end.

Lemma top_max d c l t : In t l -> (kappa d c t <= top d c l)%Z.
Proof. induction l; simpl; intros I; [contradiction | destruct I; [subst; lia | specialize (IHl H); lia]]. Qed.

Lemma part_spent_le d c l us : (part_spent d c l us <= Z.of_nat (count l us) * top d c l)%Z.
Proof.
  induction us as [|v r IH]; [simpl; lia|]. cbn [part_spent count]. destruct (mem (fst v) l) eqn:E.
  - rewrite Nat2Z.inj_add, Z.mul_add_distr_r. change (Z.of_nat 1) with 1%Z.
    apply mem_In in E. apply (top_max d c) in E. lia.
  - rewrite Nat.add_0_l, Z.add_0_l. exact IH.
Qed.

Fixpoint parts_spent (d : data) (c : cut) (gs : list group) (us : list unit_) : Z :=
  match gs with [] => 0%Z | (l, _) :: r => (part_spent d c l us + parts_spent d c r us)%Z end.

Lemma parts_spent_cons d c gs v us : parts_spent d c gs (v :: us) = (parts_spent d c gs [v] + parts_spent d c gs us)%Z.
Proof. induction gs as [|[l k] r IH]; simpl; [reflexivity | simpl in IH; rewrite IH; lia]. Qed.

Lemma parts_spent_one d c gs v : (0 <= kappa d c (fst v))%Z ->
  (0 <= parts_spent d c gs [v])%Z /\
  ((exists l k, In (l, k) gs /\ In (fst v) l) -> (kappa d c (fst v) <= parts_spent d c gs [v])%Z).
Proof.
  intros P. induction gs as [|[l k] r [IH1 IH2]]; simpl.
  - split; [lia | intros (l & k & [] & _)].
  - split.
    + destruct (mem (fst v) l); lia.
    + intros (l' & k' & [E | I] & M).
      * inversion E; subst. apply mem_In in M. rewrite M. lia.
      * specialize (IH2 (ex_intro _ l' (ex_intro _ k' (conj I M)))). destruct (mem (fst v) l); lia.
Qed.

Lemma spent_le_parts d c gs us : data_ok d = true -> cut_ok d c = true -> Forall (valid_unit d) us ->
  (forall v, In v us -> exists l k, In (l, k) gs /\ In (fst v) l) -> (spent d c us <= parts_spent d c gs us)%Z.
Proof.
  intros HD HC HV. induction HV as [|v r [HT HX] Hr IH]; intros HI.
  - simpl. clear. induction gs as [|[l k] r IH]; simpl; lia.
  - rewrite parts_spent_cons. cbn [spent]. pose proof (kappa_nonneg d c (fst v) HD HC HT) as P.
    destruct (parts_spent_one d c gs v P) as [_ Q].
    specialize (Q (HI v (or_introl eq_refl))). specialize (IH (fun w I => HI w (or_intror I))). apply Z.add_le_mono; assumption.
Qed.

Lemma parts_le_tops d c gs us : (forall l k, In (l, k) gs -> count l us = k) -> (parts_spent d c gs us <= tops d c gs)%Z.
Proof.
  induction gs as [|[l k] r IH]; intros H; simpl; [lia|].
  specialize (IH (fun l' k' I => H l' k' (or_intror I))). pose proof (part_spent_le d c l us) as P.
  rewrite (H l k (or_introl eq_refl)) in P. destruct (Nat.eqb_spec k 0) as [Z0 | _].
  - rewrite Z0 in P. simpl in P. lia.
  - apply Z.add_le_mono; assumption.
Qed.

Theorem walk_sound d cuts lower fuel t gs us b :
  data_ok d = true -> forallb (cut_ok d) cuts = true -> Forall (valid_unit d) us -> (free_bias d = true \/ b = 0) ->
  inside gs us -> walk d cuts lower fuel t gs = true -> IZR lower / IZR (Zpos (scale d)) <= criterion d us b.
Proof.
  intros HD HC HV HB. revert t gs. induction fuel as [|f IH]; intros t gs HI HW; [discriminate|].
  destruct t as [i | below | part children]; cbn [walk] in HW.
  - destruct (nth_error cuts i) as [c|] eqn:E; [|discriminate].
    rewrite forallb_forall in HC. specialize (HC c (nth_error_In _ _ E)). destruct HI as [H1 H2].
    apply enough_sound with (c := c) (top := tops d c gs); try assumption.
    pose proof (spent_le_parts d c gs us HD HC HV H2). pose proof (parts_le_tops d c gs us H1). lia.
  - destruct gs as [|g r]; [discriminate|]. apply (IH below (r ++ [g])); [|exact HW].
    destruct HI as [H1 H2]. split.
    + intros l k I. apply H1. apply in_app_or in I. destruct I as [I | [I | []]]; [right | left]; assumption.
    + intros v I. destruct (H2 v I) as (l & k & J & M). exists l, k. split; [|assumption].
      apply in_or_app. destruct J as [J | J]; [right; left | left]; assumption.
  - destruct gs as [|[l k] r]; [discriminate|]. rewrite !andb_true_iff in HW. destruct HW as [[HP HL] HW].
    destruct HI as [H1 H2]. pose proof (H1 l k (or_introl eq_refl)) as HK.
    pose proof (count_split l part us HP) as HS. rewrite HK in HS.
    rewrite forallb_forall in HW. assert (I : In (count part us) (seq 0 (S k))) by (apply in_seq; lia).
    specialize (HW _ I). destruct (nth_error children (count part us)) as [child|]; [|discriminate].
    refine (IH child _ _ HW). split.
    + intros l' k' [E | [E | J]]; [inversion E; subst; lia | inversion E; subst; reflexivity | apply H1; right; assumption].
    + intros v J. destruct (H2 v J) as (l' & k' & [E | Q] & M).
      * injection E as E1 E2. subst l' k'. destruct (mem (fst v) part) eqn:F.
        -- exists part, (count part us). split; [right; left; reflexivity | apply mem_In; assumption].
        -- exists (without l part), (k - count part us)%nat. split; [left; reflexivity|].
           apply mem_In. rewrite mem_without, F. apply mem_In in M. rewrite M. reflexivity.
      * exists l', k'. split; [right; right; assumption | assumption].
Qed.

Definition verified (d : data) (cuts : list cut) (lower : Z) (fuel width : nat) (t : tree) : bool :=
  data_ok d && forallb (cut_ok d) cuts && walk d cuts lower fuel t [(seq 0 (length (types d)), width)].

Theorem lower_bound d cuts lower fuel width t :
  verified d cuts lower fuel width t = true ->
  forall us b, length us = width -> Forall (valid_unit d) us -> (free_bias d = true \/ b = 0) ->
  IZR lower / IZR (Zpos (scale d)) <= criterion d us b.
Proof.
  unfold verified. rewrite !andb_true_iff. intros [[HD HC] HW] us b HL HV HB.
  apply walk_sound with (cuts := cuts) (fuel := fuel) (t := t) (gs := [(seq 0 (length (types d)), width)]); try assumption.
  assert (A : forall v, In v us -> In (fst v) (seq 0 (length (types d)))).
  { intros v I. rewrite Forall_forall in HV. destruct (HV v I) as [HT _]. apply in_seq. lia. }
  split.
  - intros l k [E | []]. inversion E; subst. clear - A. induction us as [|v r IH]; simpl; [reflexivity|].
    assert (M : mem (fst v) (seq 0 (length (types d))) = true) by (apply mem_In; apply A; left; reflexivity).
    rewrite M, IH by (intros; apply A; right; assumption). reflexivity.
  - intros v I. exists (seq 0 (length (types d))), width. split; [left; reflexivity | apply A; assumption].
Qed.
