(* Lower bounds on the dropout criterion of networks with one hidden layer: a Boolean check on rational data, and the
   theorem that it bounds the criterion of every network of the stated width, for the paper's own objects. *)

From Dropout Require Import Definitions Expectations Last_layer Theorem_18 Rationals.
Require Import QArith Qreals Qminmax Bool.
Open Scope Q_scope. Open Scope R_scope.

(* ---- the statement ------------------------------------------------------------------------------------------- *)

Record problem := Problem {
  inputs : nat; rate0 : Q; rate1 : Q;       (* drop rates of the inputs and of the hidden layer *)
  biases : bool;                             (* false: all biases are 0 *)
  nonneg : bool;                             (* true: all weights, output weights included, are >= 0 *)
  data : qdistribution }.

Definition admissible (p : problem) (W : network) : Prop :=
  (biases p = false -> zero_biases W) /\ (nonneg p = true -> nonnegative_weights (inputs p) W).

Definition problem_criterion (p : problem) (W : network) : R :=
  criterion (qrates [rate0 p; rate1 p]) (inputs p) W (real_distribution (data p)).

(* ---- the masked inputs ---------------------------------------------------------------------------------------- *)

Record row := Row { rw : Q; ru : list Q; ry : Q }.    (* weight, (1 or 0 for the bias) :: masked input, label *)

Fixpoint masked (q : Q) (x : list Q) : list (Q * list Q) :=
  match x with
  | [] => [(1%Q, [])]
  | a :: x' => map (fun m => (Qred ((1 - q) * fst m), Qred (a / (1 - q)) :: snd m)) (masked q x')
               ++ map (fun m => (Qred (q * fst m), 0%Q :: snd m)) (masked q x')
  end.

Fixpoint same (u v : list Q) : bool :=
  match u, v with [], [] => true | a :: u', b :: v' => Qeq_bool a b && same u' v' | _, _ => false end.

Fixpoint insert (r : row) (l : list row) : list row :=
  match l with
  | [] => [r]
  | s :: l' => if same (ru r) (ru s) && Qeq_bool (ry r) (ry s) then Row (Qred (rw r + rw s)) (ru s) (ry s) :: l'
               else s :: insert r l'
  end.

Definition points (p : problem) : list row :=
  fold_right insert []
    (flat_map (fun e => let '(w, x, y) := e in
       map (fun m => Row (Qred (w * fst m)) ((if biases p then 1%Q else 0%Q) :: snd m) y) (masked (rate0 p) x)) (data p)).

(* For non-negative weights: coordinates, as rows without weight on which c . u >= 0 is known. *)
Definition held (p : problem) : list row :=
  if nonneg p then map (fun k => Row 0 (0%Q :: map (fun j => if Nat.eqb j k then 1%Q else 0%Q) (seq 0 (inputs p))) 0) (seq 0 (inputs p)) else [].

Definition rows (p : problem) : list row := held p ++ points p.

(* ---- lists of rationals ---------------------------------------------------------------------------------------- *)

Fixpoint qmul (a b : list Q) : list Q := match a, b with x :: a', y :: b' => (x * y)%Q :: qmul a' b' | _, _ => [] end.

(* Greatest common divisors are what costs time; none is needed where denominators are equal, as generated data has them. *)
Definition plus (a b : Q) : Q :=
  match Qnum b with
  | Z0 => a
  | _ => if Pos.eqb (Qden a) (Qden b) then Qmake (Qnum a + Qnum b) (Qden a) else Qred (a + b)
  end.
Definition nought (a : Q) : Q := Qmake 0 (Qden a).

Fixpoint qadd (a b : list Q) : list Q :=
  match a, b with x :: a', y :: b' => plus x y :: qadd a' b' | [], _ => b | _, [] => a end.
Fixpoint comb (e : list Q) (us : list (list Q)) : list Q :=
  match e, us with
  | a :: e', u :: us' => if Qeq_bool a 0 then comb e' us' else qadd (map (Qmult a) u) (comb e' us')
  | _, _ => []
  end.
Definition is_zero (u : list Q) : bool := forallb (fun a => Qeq_bool a 0) u.

Lemma Q2R_nought a : Q2R (nought a) = 0.
Proof. unfold Q2R, nought. simpl. ring. Qed.

Lemma Q2R_sum a b : Q2R (plus a b) = Q2R a + Q2R b.
Proof.
  unfold plus. destruct (Qnum b) eqn:B; [unfold Q2R at 3; rewrite B; ring | |]; rewrite <- B; clear B;
    (destruct (Pos.eqb_spec (Qden a) (Qden b)) as [E|_]).
  1, 3: unfold Q2R; cbn [Qnum Qden]; rewrite <- E, plus_IZR; ring.
  all: rewrite Q2R_red; apply Q2R_plus.
Qed.

(* c . u *)
Fixpoint ip (c : nat -> R) (u : list Q) : R := match u with [] => 0 | a :: u' => c O * Q2R a + ip (next c) u' end.

Lemma ip_sum c u : ip c u = sum (length u) (fun j => c j * vec u j).
Proof. revert c; induction u; intros; simpl; [reflexivity | rewrite IHu; reflexivity]. Qed.

Lemma ip_add c u v : ip c (qadd u v) = ip c u + ip c v.
Proof.
  revert c v; induction u as [|a u IH]; intros c [|b v]; cbn [qadd ip]; try lra.
  rewrite IH, Q2R_sum. ring.
Qed.

Lemma ip_scale c a u : ip c (map (Qmult a) u) = Q2R a * ip c u.
Proof. revert c; induction u as [|b u IH]; intros; cbn [map ip]; [ring | rewrite IH; autorewrite with q2r; ring]. Qed.

Lemma ip_comb c e us : ip c (comb e us) = sum (length us) (fun k => vec e k * ip c (nth k us [])).
Proof.
  revert e; induction us as [|u us IH]; intros [|a e]; cbn [comb length sum]; try reflexivity.
  - rewrite vec_nil, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite vec_nil; ring). rewrite sum_zero. simpl. ring.
  - assert (X : ip c (comb e us) = sum (length us) (fun k => vec (a :: e) (S k) * ip c (nth (S k) (u :: us) []))) by (rewrite IH; reflexivity).
    destruct (Qeq_bool a 0) eqn:A.
    + apply Qeq_bool_iff, Qeq_eqR in A. rewrite X. change (vec (a :: e) 0) with (Q2R a). rewrite A, Q2R_0. ring.
    + rewrite ip_add, ip_scale, X. reflexivity.
Qed.

Lemma ip_zero c u : is_zero u = true -> ip c u = 0.
Proof.
  revert c; induction u as [|a u IH]; intros c H; simpl in *; [reflexivity|]. apply andb_prop in H. destruct H as [A H].
  rewrite IH by assumption. apply Qeq_bool_iff in A. rewrite (Qeq_eqR _ _ A), Q2R_0. ring.
Qed.

Lemma vec_mul a b k : vec (qmul a b) k = vec a k * vec b k.
Proof.
  revert b k; induction a as [|x a IH]; intros b k; [cbn [qmul]; rewrite vec_nil; ring|].
  destruct b as [|y b]; [cbn [qmul]; rewrite !vec_nil; ring|].
  destruct k; [unfold vec; simpl; autorewrite with q2r; reflexivity | apply (IH b k)].
Qed.

Lemma dot_sum w x : Q2R (qdot w x) = sum (length w) (fun k => vec w k * vec x k).
Proof.
  revert x; induction w as [|a w IH]; intros [|b x]; cbn [qdot length sum]; autorewrite with q2r; try reflexivity.
  - rewrite vec_nil, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite vec_nil; ring). rewrite sum_zero. ring.
  - rewrite IH. reflexivity.
Qed.

(* sum w_k h_k^2 *)
Fixpoint squares (ws hs : list Q) : Q :=
  match ws, hs with w :: ws', h :: hs' => if Qeq_bool h 0 then squares ws' hs' else plus (w * (h * h)) (squares ws' hs') | _, _ => 0%Q end.

Lemma squares_sum ws hs : Q2R (squares ws hs) = sum (length ws) (fun k => vec ws k * vec hs k ^ 2).
Proof.
  revert hs; induction ws as [|w ws IH]; intros [|h hs]; cbn [squares length sum].
  - apply Q2R_0.
  - apply Q2R_0.
  - rewrite Q2R_0, vec_nil, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite vec_nil; ring). rewrite sum_zero. ring.
  - assert (X : Q2R (squares ws hs) = sum (length ws) (fun k => vec (w :: ws) (S k) * vec (h :: hs) (S k) ^ 2)) by apply IH.
    destruct (Qeq_bool h 0) eqn:A.
    + apply Qeq_bool_iff, Qeq_eqR in A. rewrite X. change (vec (h :: hs) 0) with (Q2R h). rewrite A, Q2R_0. ring.
    + rewrite Q2R_sum, !Q2R_mult, X. change (vec (h :: hs) 0) with (Q2R h). change (vec (w :: ws) 0) with (Q2R w). ring.
Qed.

(* ---- from networks to signed units on rows ---------------------------------------------------------------------- *)

Lemma same_ip u v c : same u v = true -> ip c u = ip c v.
Proof.
  revert v c; induction u as [|a u IH]; intros [|b v] c H; simpl in *; try discriminate; [reflexivity|].
  apply andb_prop in H. destruct H as [A H]. apply Qeq_bool_iff in A. rewrite (Qeq_eqR _ _ A), (IH _ _ H). reflexivity.
Qed.

Lemma total_insert r l (f : list Q -> Q -> R) :
  (forall u v y z, same u v = true -> Qeq_bool y z = true -> f u y = f v z) ->
  total (insert r l) (fun s => Q2R (rw s) * f (ru s) (ry s)) = Q2R (rw r) * f (ru r) (ry r) + total l (fun s => Q2R (rw s) * f (ru s) (ry s)).
Proof.
  intros F. unfold total. induction l as [|s l IH]; [reflexivity|]. cbn [insert].
  destruct (same (ru r) (ru s) && Qeq_bool (ry r) (ry s)) eqn:H; cbn [fold_right rw ru ry].
  - apply andb_prop in H. destruct H as [A B]. autorewrite with q2r. rewrite (F _ _ _ _ A B). ring.
  - rewrite IH. ring.
Qed.

Lemma total_points l (f : list Q -> Q -> R) :
  (forall u v y z, same u v = true -> Qeq_bool y z = true -> f u y = f v z) ->
  total (fold_right insert [] l) (fun s => Q2R (rw s) * f (ru s) (ry s)) = total l (fun s => Q2R (rw s) * f (ru s) (ry s)).
Proof. intros F. induction l; simpl; [reflexivity|]. rewrite total_insert, IHl by assumption. reflexivity. Qed.

Lemma expect_masked q x (F : mask -> R) (f : list Q -> R) :
  (forall r v, length v = length x -> (forall i, vec v i = drop (Q2R q) r (vec x) i) -> F r = f v) ->
  expect (Q2R q) (length x) F = total (masked q x) (fun m => Q2R (fst m) * f (snd m)).
Proof.
  revert F f; induction x as [|a x IH]; intros F f H; cbn [length masked].
  - rewrite expect_0. simpl. rewrite Q2R_1. rewrite (H [] []); [ring | reflexivity|].
    intros i. rewrite vec_nil. unfold drop. destruct i; reflexivity.
  - rewrite expect_S, total_app, !total_map. cbn [fst snd].
    rewrite (IH _ (fun v => f (Qred (a / (1 - q)) :: v))), (IH _ (fun v => f (0%Q :: v))), <- !total_scale.
    + f_equal; apply total_ext; intros m _; autorewrite with q2r; ring.
    + intros r v L Hv. apply H; [simpl; congruence|]. intros [|i]; [|apply Hv]. unfold vec, drop; simpl. apply Q2R_0.
    + intros r v L Hv. apply H; [simpl; congruence|]. intros [|i]; [|apply Hv]. unfold vec, drop; cbn [nth].
      rewrite Q2R_red. unfold Rdiv, Qdiv. rewrite Q2R_mult, Q2R_inv'. autorewrite with q2r. reflexivity.
Qed.

(* A unit with weights A, bias b and output weight w, on a row: c = |w| (b, A), with the sign of w. *)
Definition unit_vector (w : R) (A : nat -> R) (b : R) (j : nat) : R := Rabs w * match j with O => b | S i => A i end.
Definition unit_sign (w : R) : R := if Rle_dec 0 w then 1 else -1.

Lemma unit_response w A b u :
  w * relu (ip (fun j => match j with O => b | S i => A i end) u) = unit_sign w * relu (ip (unit_vector w A b) u).
Proof.
  assert (S : ip (unit_vector w A b) u = Rabs w * ip (fun j => match j with O => b | S i => A i end) u).
  { rewrite !ip_sum, <- sum_scale. apply sum_ext. intros. unfold unit_vector. ring. }
  rewrite S, relu_scale by apply Rabs_pos. unfold unit_sign, Rabs. destruct (Rle_dec 0 w), (Rcase_abs w); lra.
Qed.

Lemma sign_square w t : (unit_sign w * t) ^ 2 = t ^ 2.
Proof. unfold unit_sign. destruct (Rle_dec 0 w); ring. Qed.

Lemma reduced p n A b w beta :
  inputs_ok (inputs p) (data p) = true -> Q2R (rate1 p) < 1 -> (biases p = false -> forall i, (i < n)%nat -> b i = 0) ->
  problem_criterion p (Hidden n A b (Output w beta))
  = total (points p) (fun s => Q2R (rw s) *
      ((sum n (fun i => unit_sign (w i) * relu (ip (unit_vector (w i) (A i) (b i)) (ru s))) + beta - Q2R (ry s)) ^ 2
       + noise (Q2R (rate1 p)) * sum n (fun i => relu (ip (unit_vector (w i) (A i) (b i)) (ru s)) ^ 2))).
Proof.
  intros HI Q1 HB. unfold points.
  set (f := fun u y => (sum n (fun i => unit_sign (w i) * relu (ip (unit_vector (w i) (A i) (b i)) u)) + beta - Q2R y) ^ 2
       + noise (Q2R (rate1 p)) * sum n (fun i => relu (ip (unit_vector (w i) (A i) (b i)) u) ^ 2)).
  rewrite (total_points _ f).
  2: { intros u v y z U Y. unfold f. apply Qeq_bool_iff, Qeq_eqR in Y. rewrite Y.
       rewrite (sum_ext n (fun i => unit_sign _ * _) (fun i => unit_sign (w i) * relu (ip (unit_vector (w i) (A i) (b i)) v)))
         by (intros; rewrite (same_ip u v) by assumption; reflexivity).
       rewrite (sum_ext n (fun i => relu (ip _ u) ^ 2) (fun i => relu (ip (unit_vector (w i) (A i) (b i)) v) ^ 2))
         by (intros; rewrite (same_ip u v) by assumption; reflexivity). reflexivity. }
  rewrite total_flat_map. unfold problem_criterion, criterion, real_distribution. rewrite total_map.
  apply total_ext. intros [[cw x] y] I. cbn [weight input label].
  assert (L : length x = inputs p).
  { unfold inputs_ok in HI. rewrite forallb_forall in HI. specialize (HI _ I). cbn in HI. apply Nat.eqb_eq in HI. exact HI. }
  rewrite total_map. cbn [rw ru ry].
  transitivity (Q2R cw * total (masked (rate0 p) x) (fun m => Q2R (fst m) * f ((if biases p then 1%Q else 0%Q) :: snd m) y)).
  2: { rewrite <- total_scale. apply total_ext. intros m _. autorewrite with q2r. ring. }
  f_equal. rewrite E_hidden, <- L. change (qrates [rate0 p; rate1 p] 0) with (Q2R (rate0 p)).
  apply (expect_masked (rate0 p) x _ (fun v => f ((if biases p then 1%Q else 0%Q) :: v) y)). intros r v Lv Hv.
  rewrite E_output. cbn [D hd tl]. change (next (qrates [rate0 p; rate1 p]) 0) with (Q2R (rate1 p)).
  change (qrates [rate0 p; rate1 p] 0) with (Q2R (rate0 p)). rewrite last_layer by assumption. fold (noise (Q2R (rate1 p))).
  assert (G : forall i, (i < n)%nat -> sum (length x) (fun j => A i j * drop (Q2R (rate0 p)) r (vec x) j) + b i
      = ip (fun j => match j with O => b i | S k => A i k end) ((if biases p then 1%Q else 0%Q) :: v)).
  { intros i Hi. cbn [ip]. rewrite ip_sum, Lv. unfold next.
    rewrite (sum_ext _ _ (fun j => A i j * vec v j)) by (intros; rewrite Hv; reflexivity).
    destruct (biases p) eqn:HBp; [rewrite Q2R_1; ring | rewrite Q2R_0, (HB eq_refl i Hi); ring]. }
  unfold f, dot. f_equal; [f_equal; f_equal; f_equal|f_equal]; apply sum_ext; intros i Hi; rewrite G by assumption.
  - apply unit_response.
  - rewrite unit_response, sign_square. reflexivity.
Qed.

(* ---- cuts ------------------------------------------------------------------------------------------------------- *)

Definition pattern_of := list bool.      (* for each row, whether c . u >= 0 *)

Definition sat (us : list (list Q)) (sigma : list bool) (c : nat -> R) : Prop :=
  forall k, (k < length us)%nat -> if nth k sigma false then 0 <= ip c (nth k us []) else ip c (nth k us []) < 0.

Definition type_ := (bool * list bool)%type.   (* sign + or -, and the rows where the unit is active *)
Definition sgn (t : type_) : Q := if fst t then 1%Q else (-1)%Q.

(* z on the rows; the mean of z over the rows of the same masked input, which differ in their labels only and from which the
   default witness is made; for each type its witness h and multipliers, or None for the default. Only z is used in the proof
   that a cut is valid: means and witnesses are checked. *)
Inductive given := Rows (h mu : list Q) | Form (c mu : list Q).     (* h on the rows, or h = c . u where the type responds *)
Record cut := Cut { res : list Q; mean : list Q; wits : list (option given) }.

(* In generated data: 0; numbers over one denominator; the same, each after a number of zeros; witnesses, each after a number
   of types that have none. *)
Definition o : Q := 0%Q.
Definition over (d : positive) (l : list Z) : list Q := map (fun n => Qmake n d) l.
Definition sparse (d : positive) (l : list (nat * Z)) : list Q := flat_map (fun e => repeat (Qmake 0 d) (fst e) ++ [Qmake (snd e) d]) l.
Definition spread (l : list (nat * given)) : list (option given) :=
  flat_map (fun e => repeat None (fst e) ++ [Some (snd e)]) l.

(* Where a unit of a type can respond: on its rows that are not 0. *)
Definition not_zero (us : list (list Q)) : list bool := map (fun u => negb (is_zero u)) us.
Fixpoint responding (nz sigma : list bool) : list bool :=
  match nz, sigma with a :: nz', k :: sigma' => (a && k) :: responding nz' sigma' | _, _ => [] end.

Fixpoint default_h (s : Q) (sigma : list bool) (z : list Q) : list Q :=
  match sigma, z with k :: sigma', a :: z' => (if k then Qmax 0 (- s * a) else 0%Q) :: default_h s sigma' z' | _, _ => [] end.
Fixpoint default_mu (s : Q) (sigma : list bool) (ws h z : list Q) : list Q :=
  match sigma, ws, h, z with
  | k :: sigma', w :: ws', a :: h', b :: z' => (if k then w * (a + s * b) else 0)%Q :: default_mu s sigma' ws' h' z'
  | _, _, _, _ => []
  end.

Fixpoint form (c u : list Q) : Q := match c, u with a :: c', b :: u' => plus (a * b) (form c' u') | _, _ => 0%Q end.
Fixpoint form_on (sigma : list bool) (us : list (list Q)) (c : list Q) : list Q :=
  match sigma, us with
  | k :: sigma', u :: us' => let x := form c u in (if k then x else nought x) :: form_on sigma' us' c
  | _, _ => []
  end.

Definition witness (nz : list bool) (us : list (list Q)) (ws m : list Q) (t : type_) (o : option given) : list Q * list Q :=
  match o with
  | Some (Rows h mu) => (h, mu)
  | Some (Form c mu) => (form_on (responding nz (snd t)) us c, mu)
  | None => let sigma := responding nz (snd t) in let h := default_h (sgn t) sigma m in (h, default_mu (sgn t) sigma ws h m)
  end.

(* e_k = [active] w_k (h_k + s z_k) - (+- mu_k), over the rows. *)
Fixpoint defect (s : Q) (ws : list Q) (sigma : list bool) (z h mu : list Q) : list Q :=
  match ws with
  | [] => []
  | w :: ws' =>
      let k := hd false sigma in let a := hd 0%Q z in let b := hd 0%Q h in let m := hd 0%Q mu in
      let x := (w * (b + s * a))%Q in
      ((if k then x else nought x) - (if k then m else - m))%Q :: defect s ws' (tl sigma) (tl z) (tl h) (tl mu)
  end.

Definition multipliers_ok (ws : list Q) (us : list (list Q)) (z : list Q) (t : type_) (hm : list Q * list Q) : bool :=
  forallb (Qle_bool 0) (snd hm) && is_zero (comb (defect (sgn t) ws (snd t) z (fst hm) (snd hm)) us).

(* Where the means are z itself, the default is valid without a check. *)
Definition type_ok (plain : bool) (nz : list bool) (ws : list Q) (us : list (list Q)) (z m : list Q) (t : type_) (o : option given) : bool :=
  match o with
  | None => if plain then true else multipliers_ok ws us z t (witness nz us ws m t o)
  | _ => multipliers_ok ws us z t (witness nz us ws m t o)
  end.

(* The squared norm of a witness; of defaults from the squares of all rows for both signs, which are the same for all types. *)
Fixpoint default_squares (s : Q) (ws m : list Q) : list Q :=
  match ws, m with
  | w :: ws', a :: m' => (let h := (- s * a)%Q in if Qle_bool h 0 then 0%Q else (w * (h * h))%Q) :: default_squares s ws' m'
  | _, _ => []
  end.
Fixpoint picked (sigma : list bool) (l : list Q) : Q :=
  match sigma, l with
  | k :: sigma', a :: l' => let rest := picked sigma' l' in if k then match Qnum a with Z0 => rest | _ => plus a rest end else rest
  | _, _ => 0%Q
  end.

Definition both_squares (ws m : list Q) : list Q * list Q := (default_squares 1 ws m, default_squares (-1) ws m).

Definition kappa (nz : list bool) (us : list (list Q)) (ws m : list Q) (sq : list Q * list Q) (t : type_) (o : option given) : Q :=
  match o with
  | None => picked (responding nz (snd t)) (if fst t then fst sq else snd sq)
  | _ => squares ws (fst (witness nz us ws m t o))
  end.

Lemma picked_squares s sigma ws m :
  Q2R (picked sigma (default_squares s ws m)) = sum (length ws) (fun k => vec ws k * vec (default_h s sigma m) k ^ 2).
Proof.
  revert ws m; induction sigma as [|b sigma IH]; intros [|w ws] m; cbn [picked length sum]; try apply Q2R_0.
  - cbn [default_h]. rewrite Q2R_0, vec_nil, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite vec_nil; ring). rewrite sum_zero. ring.
  - destruct m as [|a m].
    + cbn [default_squares default_h]. rewrite Q2R_0, vec_nil, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite vec_nil; ring). rewrite sum_zero. ring.
    + cbn [default_squares default_h]. change (vec (?x :: ?l) 0) with (Q2R x).
      assert (X : sum (length ws) (fun i => vec (w :: ws) (S i) * vec ((if b then Qmax 0 (- s * a) else 0%Q) :: default_h s sigma m) (S i) ^ 2)
        = Q2R (picked sigma (default_squares s ws m))) by (symmetry; apply IH).
      rewrite X. clear X IH. cbv zeta. set (rest := picked sigma (default_squares s ws m)). destruct b; [|rewrite Q2R_0; ring].
      set (h := (- s * a)%Q).
      assert (V : Q2R (if Qle_bool h 0 then 0%Q else (w * (h * h))%Q) = Q2R w * Q2R (Qmax 0 h) ^ 2).
      { destruct (Qle_bool h 0) eqn:E.
        - apply Qle_bool_iff in E. rewrite (Qeq_eqR _ _ (Q.max_l 0 h E)). rewrite Q2R_0. ring.
        - assert (E' : (0 <= h)%Q). { apply Qlt_le_weak, Qnot_le_lt. intros F. apply Qle_bool_iff in F. congruence. }
          rewrite (Qeq_eqR _ _ (Q.max_r 0 h E')), !Q2R_mult. ring. }
      rewrite <- V. set (v := if Qle_bool h 0 then 0%Q else (w * (h * h))%Q). destruct (Qnum v) eqn:N.
      * unfold Q2R at 2. rewrite N. ring.
      * rewrite Q2R_sum. reflexivity.
      * rewrite Q2R_sum. reflexivity.
Qed.

Lemma kappa_sum nz us ws m t o :
  Q2R (kappa nz us ws m (both_squares ws m) t o) = sum (length ws) (fun k => vec ws k * vec (fst (witness nz us ws m t o)) k ^ 2).
Proof.
  unfold kappa. destruct o; [apply squares_sum|]. cbn [witness fst]. unfold both_squares, sgn. cbn [fst snd].
  destruct (fst t); apply picked_squares.
Qed.

Lemma vec_tl l k : vec (tl l) k = vec l (S k).
Proof. destruct l; [rewrite !vec_nil; reflexivity | reflexivity]. Qed.

Lemma vec_hd l : Q2R (hd 0%Q l) = vec l 0.
Proof. destruct l; reflexivity. Qed.

Lemma defect_vec s ws sigma z h mu k : (k < length ws)%nat ->
  vec (defect s ws sigma z h mu) k
  = (if nth k sigma false then vec ws k * (vec h k + Q2R s * vec z k) else 0) - (if nth k sigma false then vec mu k else - vec mu k).
Proof.
  revert sigma z h mu k; induction ws as [|w ws IH]; intros sigma z h mu k K; [simpl in K; lia|].
  destruct k as [|k].
  - cbn [defect]. unfold vec at 1. cbn [nth]. cbv zeta. replace (nth 0 sigma false) with (hd false sigma) by (destruct sigma; reflexivity).
    autorewrite with q2r. rewrite <- !vec_hd. destruct (hd false sigma); autorewrite with q2r; rewrite ?Q2R_nought, ?Q2R_opp; simpl; ring.
  - cbn [defect]. change (vec (?a :: ?l) (S k)) with (vec l k).
    replace (nth (S k) sigma false) with (nth k (tl sigma) false) by (destruct sigma; [destruct k|]; reflexivity).
    change (vec (w :: ws) (S k)) with (vec ws k). rewrite <- !vec_tl. rewrite <- IH by (simpl in K; lia). reflexivity.
Qed.

Lemma nonneg_vec l k : forallb (Qle_bool 0) l = true -> 0 <= vec l k.
Proof.
  intros H. unfold vec. destruct (Nat.lt_ge_cases k (length l)) as [L|L].
  - rewrite forallb_forall in H. rewrite <- Q2R_0. apply Qle_Rle, Qle_bool_iff, H, nth_In, L.
  - rewrite nth_overflow by assumption. rewrite Q2R_0. lra.
Qed.

Lemma multipliers_sound ws us z t hm c :
  length ws = length us -> multipliers_ok ws us z t hm = true -> sat us (snd t) c ->
  0 <= sum (length us) (fun k => vec ws k * (vec (fst hm) k + Q2R (sgn t) * vec z k) * relu (ip c (nth k us []))).
Proof.
  intros L H S. unfold multipliers_ok in H. apply andb_prop in H. destruct H as [M Z].
  apply (ip_zero c) in Z. rewrite ip_comb in Z.
  rewrite (sum_ext _ _ (fun k => vec (defect (sgn t) ws (snd t) z (fst hm) (snd hm)) k * ip c (nth k us [])
     + (if nth k (snd t) false then vec (snd hm) k else - vec (snd hm) k) * ip c (nth k us []))).
  - rewrite sum_plus, Z, Rplus_0_l. apply sum_nonneg. intros k K. pose proof (nonneg_vec _ k M). specialize (S k K).
    destruct (nth k (snd t) false); nra.
  - intros k K. rewrite defect_vec by lia. specialize (S k K). unfold relu. destruct (nth k (snd t) false).
    + rewrite Rmax_right by assumption. ring.
    + rewrite Rmax_left by lra. ring.
Qed.

Lemma same_vec a b k : same a b = true -> vec a k = vec b k.
Proof.
  revert b k; induction a as [|x a IH]; intros [|y b] k H; simpl in H; try discriminate; [reflexivity|].
  apply andb_prop in H. destruct H as [A H]. apply Qeq_bool_iff, Qeq_eqR in A.
  destruct k; [unfold vec; simpl; exact A | apply (IH b k H)].
Qed.

Lemma default_above s sigma m k : nth k sigma false = true -> - (Q2R s * vec m k) <= vec (default_h s sigma m) k.
Proof.
  revert m k; induction sigma as [|a sigma IH]; intros [|x m] k H; [destruct k; discriminate | destruct k; discriminate | |].
  - cbn [default_h]. rewrite !vec_nil. lra.
  - destruct k as [|k]; cbn [default_h nth] in *; [|apply (IH m k H)]. rewrite H. unfold vec; cbn [nth].
    eapply Rle_trans; [|apply Qle_Rle, Q.le_max_r]. rewrite Q2R_mult, Q2R_opp. lra.
Qed.

Lemma responding_nth nz sigma k : nth k (responding nz sigma) false = nth k nz false && nth k sigma false.
Proof.
  revert sigma k; induction nz as [|a nz IH]; intros [|b sigma] k; cbn [responding]; destruct k; cbn [nth];
    rewrite ?andb_false_r; try reflexivity. apply IH.
Qed.

Lemma type_sound plain ws us z m t o c :
  length ws = length us -> (plain = true -> same z m = true) -> (forall k, 0 <= vec ws k) ->
  type_ok plain (not_zero us) ws us z m t o = true -> sat us (snd t) c ->
  0 <= sum (length us) (fun k => vec ws k * (vec (fst (witness (not_zero us) us ws m t o)) k + Q2R (sgn t) * vec z k) * relu (ip c (nth k us []))).
Proof.
  intros L HP HW H S. unfold type_ok in H. destruct o as [e|].
  { exact (multipliers_sound ws us z t _ c L H S). }
  destruct plain; [|exact (multipliers_sound ws us z t _ c L H S)]. clear H. specialize (HP eq_refl).
  apply sum_nonneg. intros k K. rewrite (same_vec _ _ k HP). cbn [witness fst].
  destruct (nth k (responding (not_zero us) (snd t)) false) eqn:R.
  - apply (default_above (sgn t) _ m) in R. apply Rmult_le_pos; [|unfold relu; apply Rmax_l].
    apply Rmult_le_pos; [apply HW | lra].
  - assert (Z : relu (ip c (nth k us [])) = 0); [|rewrite Z; lra].
    rewrite responding_nth in R. apply andb_false_iff in R. specialize (S k K). unfold relu. destruct R as [R|R].
    + unfold not_zero in R. rewrite nth_indep with (d' := negb (is_zero [])) in R by (rewrite map_length; assumption).
      rewrite (map_nth (fun u => negb (is_zero u))) in R. apply negb_false_iff in R. rewrite (ip_zero c _ R). apply Rmax_left. lra.
    + rewrite R in S. apply Rmax_left. lra.
Qed.

(* What a unit of a type adds is -kappa / lambda and two parts that are not negative where the witness h is valid. *)
Lemma unit_slack N w z g h s lambda : 0 < lambda ->
  2 * s * sum N (fun k => w k * z k * g k) + lambda * sum N (fun k => w k * g k ^ 2)
  = - (sum N (fun k => w k * h k ^ 2) / lambda) + / lambda * sum N (fun k => w k * (lambda * g k - h k) ^ 2)
    + 2 * sum N (fun k => w k * (h k + s * z k) * g k).
Proof.
  intros L.
  rewrite (sum_ext N (fun k => w k * (lambda * g k - h k) ^ 2)
    (fun k => (lambda * lambda) * (w k * g k ^ 2) + (- 2 * lambda) * (w k * h k * g k) + w k * h k ^ 2)) by (intros; ring).
  rewrite (sum_ext N (fun k => w k * (h k + s * z k) * g k) (fun k => w k * h k * g k + s * (w k * z k * g k))) by (intros; ring).
  rewrite !sum_plus, !sum_scale. field. lra.
Qed.

(* J = L(z) + the units' parts + the distance of the residual from z. *)
Lemma cut_slack N n (w y z : nat -> R) (s : nat -> R) (g : nat -> nat -> R) beta lambda :
  (beta = 0 \/ sum N (fun k => w k * z k) = 0) ->
  sum N (fun k => w k * ((sum n (fun i => s i * g i k) + beta - y k) ^ 2 + lambda * sum n (fun i => g i k ^ 2)))
  = - sum N (fun k => w k * (2 * z k * y k + z k ^ 2))
    + sum n (fun i => 2 * s i * sum N (fun k => w k * z k * g i k) + lambda * sum N (fun k => w k * g i k ^ 2))
    + sum N (fun k => w k * (sum n (fun i => s i * g i k) + beta - y k - z k) ^ 2).
Proof.
  intros B. set (F := fun k => sum n (fun i => s i * g i k)).
  assert (E1 : sum N (fun k => w k * z k * F k) = sum n (fun i => s i * sum N (fun k => w k * z k * g i k))).
  { rewrite (sum_ext n _ (fun i => sum N (fun k => s i * (w k * z k * g i k)))) by (intros; rewrite sum_scale; reflexivity).
    rewrite sum_swap. apply sum_ext. intros k K. unfold F. rewrite <- sum_scale. apply sum_ext. intros; ring. }
  assert (E2 : sum N (fun k => w k * sum n (fun i => g i k ^ 2)) = sum n (fun i => sum N (fun k => w k * g i k ^ 2))).
  { rewrite sum_swap. apply sum_ext. intros k K. rewrite <- sum_scale. reflexivity. }
  rewrite sum_plus, sum_scale. rewrite (sum_ext n (fun i => 2 * s i * _) (fun i => 2 * (s i * sum N (fun k => w k * z k * g i k)))) by (intros; ring).
  rewrite sum_scale, <- E1, <- E2. clear E1 E2.
  assert (B' : -2 * beta * sum N (fun k => w k * z k) = 0) by (destruct B as [-> | ->]; ring).
  rewrite <- (Rplus_0_r (sum N _)), <- B'. rewrite <- !sum_scale.
  replace (- sum N (fun k => w k * (2 * z k * y k + z k ^ 2))) with (sum N (fun k => -1 * (w k * (2 * z k * y k + z k ^ 2))))
    by (rewrite sum_scale; ring).
  rewrite <- !sum_plus. apply sum_ext. intros k K. unfold F. ring.
Qed.
