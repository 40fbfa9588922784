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

(* Rows of the same masked input become one, with the mean of their labels. *)
Fixpoint insert (r : row) (l : list row) : list row :=
  match l with
  | [] => [r]
  | s :: l' => let w := Qred (rw r + rw s) in
               if same (ru r) (ru s) && negb (Qeq_bool w 0) then Row w (ru s) (Qred ((rw r * ry r + rw s * ry s) / w)) :: l'
               else s :: insert r l'
  end.

Definition masked_rows (p : problem) : list row :=
  flat_map (fun e => let '(w, x, y) := e in
    map (fun m => Row (Qred (w * fst m)) ((if biases p then 1%Q else 0%Q) :: snd m) y) (masked (rate0 p) x)) (data p).

(* One denominator for many numbers, so that their sums need no greatest common divisors. *)
Definition denominator (l : list Q) : positive := fold_right (fun a d => Z.to_pos (Z.lcm (Zpos (Qden a)) (Zpos d))) 1%positive l.
Definition lifted (d : positive) (a : Q) : Q :=
  let b := Qmake (Qnum a * (Zpos d / Zpos (Qden a))) d in if Qeq_bool b a then b else a.
Definition lifted_rows (l : list row) : list row :=
  let dw := denominator (map rw l) in let du := denominator (flat_map ru l) in
  map (fun r => Row (lifted dw (rw r)) (map (lifted du) (ru r)) (ry r)) l.

(* Without dropout of the inputs most masks have no weight. *)
Definition with_weight (l : list row) : list row := filter (fun s => negb (Qeq_bool (rw s) 0)) l.

Definition points (p : problem) : list row := lifted_rows (with_weight (fold_right insert [] (masked_rows p))).

(* What no network changes: the variance of the labels of the same masked input. *)
Definition label_squares (l : list row) : Q := fold_right (fun s a => Qred (rw s * (ry s * ry s) + a)) 0%Q l.
Definition label_noise (p : problem) : Q := Qred (label_squares (masked_rows p) - label_squares (points p)).

(* ---- lists of rationals ---------------------------------------------------------------------------------------- *)

Fixpoint qmul (a b : list Q) : list Q := match a, b with x :: a', y :: b' => (x * y)%Q :: qmul a' b' | _, _ => [] end.

(* Greatest common divisors are what costs time; none is needed where denominators are equal, as generated data has them. *)
Definition plus (a b : Q) : Q :=
  match Qnum a, Qnum b with
  | _, Z0 => a
  | Z0, _ => b
  | _, _ => if Pos.eqb (Qden a) (Qden b) then Qmake (Qnum a + Qnum b) (Qden a) else Qred (a + b)
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
  assert (Z : forall x, Qnum x = Z0 -> Q2R x = 0) by (intros x X; unfold Q2R; rewrite X; ring).
  assert (G : Q2R (if Pos.eqb (Qden a) (Qden b) then Qmake (Qnum a + Qnum b) (Qden a) else Qred (a + b)) = Q2R a + Q2R b).
  { destruct (Pos.eqb_spec (Qden a) (Qden b)) as [E|_]; [|rewrite Q2R_red; apply Q2R_plus].
    unfold Q2R; cbn [Qnum Qden]; rewrite <- E, plus_IZR; ring. }
  unfold plus. destruct (Qnum a) eqn:A, (Qnum b) eqn:B; try (rewrite (Z b B); ring); try (rewrite (Z a A); ring); exact G.
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

Lemma dot_ip c u : Q2R (qdot c u) = ip (vec c) u.
Proof. rewrite Q2R_dot, ip_sum. reflexivity. Qed.

(* ---- from networks to signed units on rows ---------------------------------------------------------------------- *)

Lemma same_ip u v c : same u v = true -> ip c u = ip c v.
Proof.
  revert v c; induction u as [|a u IH]; intros [|b v] c H; simpl in *; try discriminate; [reflexivity|].
  apply andb_prop in H. destruct H as [A H]. apply Qeq_bool_iff in A. rewrite (Qeq_eqR _ _ A), (IH _ _ H). reflexivity.
Qed.

Lemma total_insert r l (A B : list Q -> R) :
  (forall u v, same u v = true -> A u = A v) -> (forall u v, same u v = true -> B u = B v) ->
  total (insert r l) (fun s => Q2R (rw s) * (A (ru s) + Q2R (ry s) * B (ru s)))
  = Q2R (rw r) * (A (ru r) + Q2R (ry r) * B (ru r)) + total l (fun s => Q2R (rw s) * (A (ru s) + Q2R (ry s) * B (ru s))).
Proof.
  intros HA HB. unfold total. induction l as [|s l IH]; [reflexivity|]. cbn [insert]. cbv zeta.
  destruct (same (ru r) (ru s) && negb (Qeq_bool (Qred (rw r + rw s)) 0)) eqn:H; cbn [fold_right rw ru ry].
  - apply andb_prop in H. destruct H as [E N]. rewrite (HA _ _ E), (HB _ _ E).
    assert (X : Q2R (rw r) + Q2R (rw s) <> 0).
    { intros X. apply negb_true_iff, not_true_iff_false in N. apply N, Qeq_bool_iff, eqR_Qeq. autorewrite with q2r. exact X. }
    rewrite (Q2R_red (_ / _)). unfold Qdiv. rewrite Q2R_mult, Q2R_inv'. autorewrite with q2r. field. exact X.
  - rewrite IH. ring.
Qed.

Lemma lifted_value d a : Q2R (lifted d a) = Q2R a.
Proof. unfold lifted. cbv zeta. destruct (Qeq_bool _ a) eqn:E; [apply Qeq_eqR, Qeq_bool_iff, E | reflexivity]. Qed.

Lemma same_lifted d u : same (map (lifted d) u) u = true.
Proof. induction u as [|a u IH]; [reflexivity|]. cbn [map same]. rewrite IH, andb_true_r. apply Qeq_bool_iff, eqR_Qeq, lifted_value. Qed.

Lemma label_squares_total l : Q2R (label_squares l) = total l (fun s => Q2R (rw s) * Q2R (ry s) ^ 2).
Proof.
  unfold label_squares, total. induction l as [|s l IH]; [apply Q2R_0|]. cbn [fold_right]. rewrite Q2R_red, Q2R_plus, IH, !Q2R_mult. ring.
Qed.

Lemma total_with_weight l (F : row -> R) : total (with_weight l) (fun s => Q2R (rw s) * F s) = total l (fun s => Q2R (rw s) * F s).
Proof.
  unfold with_weight, total. induction l as [|s l IH]; [reflexivity|]. cbn [filter fold_right]. destruct (Qeq_bool (rw s) 0) eqn:E; cbn [negb fold_right]; rewrite IH; [|reflexivity].
  apply Qeq_bool_iff, Qeq_eqR in E. rewrite E, Q2R_0. ring.
Qed.

(* Merging rows keeps every sum of squares up to the noise of the labels. *)
Lemma total_points p (F G : list Q -> R) :
  (forall u v, same u v = true -> F u = F v) -> (forall u v, same u v = true -> G u = G v) ->
  total (masked_rows p) (fun s => Q2R (rw s) * ((F (ru s) - Q2R (ry s)) ^ 2 + G (ru s)))
  = Q2R (label_noise p) + total (points p) (fun s => Q2R (rw s) * ((F (ru s) - Q2R (ry s)) ^ 2 + G (ru s))).
Proof.
  intros HF HG. set (A := fun u => F u ^ 2 + G u). set (B := fun u => -2 * F u).
  assert (HA : forall u v, same u v = true -> A u = A v) by (intros u v E; unfold A; rewrite (HF _ _ E), (HG _ _ E); reflexivity).
  assert (HB : forall u v, same u v = true -> B u = B v) by (intros u v E; unfold B; rewrite (HF _ _ E); reflexivity).
  assert (S : forall l, total l (fun s => Q2R (rw s) * ((F (ru s) - Q2R (ry s)) ^ 2 + G (ru s)))
    = total l (fun s => Q2R (rw s) * (A (ru s) + Q2R (ry s) * B (ru s))) + Q2R (label_squares l)).
  { intros l. rewrite label_squares_total, <- total_plus. apply total_ext. intros s _. unfold A, B. ring. }
  rewrite !S. unfold label_noise. autorewrite with q2r.
  assert (M : total (points p) (fun s => Q2R (rw s) * (A (ru s) + Q2R (ry s) * B (ru s)))
    = total (masked_rows p) (fun s => Q2R (rw s) * (A (ru s) + Q2R (ry s) * B (ru s)))).
  { unfold points, lifted_rows. cbv zeta. rewrite total_map. cbn [rw ru ry].
    transitivity (total (with_weight (fold_right insert [] (masked_rows p))) (fun s => Q2R (rw s) * (A (ru s) + Q2R (ry s) * B (ru s)))).
    - apply total_ext. intros s _. rewrite lifted_value, (HA _ _ (same_lifted _ (ru s))), (HB _ _ (same_lifted _ (ru s))). reflexivity.
    - rewrite total_with_weight.
      induction (masked_rows p) as [|r l IH]; [reflexivity|]. cbn [fold_right]. rewrite total_insert, IH by assumption. reflexivity. }
  rewrite M. ring.
Qed.

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
  = Q2R (label_noise p) + total (points p) (fun s => Q2R (rw s) *
      ((sum n (fun i => unit_sign (w i) * relu (ip (unit_vector (w i) (A i) (b i)) (ru s))) + beta - Q2R (ry s)) ^ 2
       + noise (Q2R (rate1 p)) * sum n (fun i => relu (ip (unit_vector (w i) (A i) (b i)) (ru s)) ^ 2))).
Proof.
  intros HI Q1 HB.
  set (F := fun u => sum n (fun i => unit_sign (w i) * relu (ip (unit_vector (w i) (A i) (b i)) u)) + beta).
  set (G := fun u => noise (Q2R (rate1 p)) * sum n (fun i => relu (ip (unit_vector (w i) (A i) (b i)) u) ^ 2)).
  set (f := fun u y => (F u - Q2R y) ^ 2 + G u).
  change (problem_criterion p (Hidden n A b (Output w beta))
    = Q2R (label_noise p) + total (points p) (fun s => Q2R (rw s) * ((F (ru s) - Q2R (ry s)) ^ 2 + G (ru s)))).
  rewrite <- total_points.
  2: { intros u v U. unfold F. f_equal. apply sum_ext. intros i _. rewrite (same_ip u v) by assumption. reflexivity. }
  2: { intros u v U. unfold G. f_equal. apply sum_ext. intros i _. rewrite (same_ip u v) by assumption. reflexivity. }
  unfold masked_rows.
  rewrite total_flat_map. unfold problem_criterion, criterion, real_distribution. rewrite total_map.
  apply total_ext. intros [[cw x] y] I. cbn [weight input label].
  assert (L : length x = inputs p).
  { unfold inputs_ok in HI. rewrite forallb_forall in HI. specialize (HI _ I). cbn in HI. apply Nat.eqb_eq in HI. exact HI. }
  rewrite total_map. cbn [rw ru ry].
  transitivity (Q2R cw * total (masked (rate0 p) x) (fun m => Q2R (fst m) * f ((if biases p then 1%Q else 0%Q) :: snd m) y)).
  2: { rewrite <- total_scale. apply total_ext. intros m _. unfold f. autorewrite with q2r. ring. }
  f_equal. rewrite E_hidden, <- L. change (qrates [rate0 p; rate1 p] 0) with (Q2R (rate0 p)).
  apply (expect_masked (rate0 p) x _ (fun v => f ((if biases p then 1%Q else 0%Q) :: v) y)). intros r v Lv Hv.
  rewrite E_output. cbn [D hd tl]. change (next (qrates [rate0 p; rate1 p]) 0) with (Q2R (rate1 p)).
  change (qrates [rate0 p; rate1 p] 0) with (Q2R (rate0 p)). rewrite last_layer by assumption. fold (noise (Q2R (rate1 p))).
  assert (X : forall i, (i < n)%nat -> sum (length x) (fun j => A i j * drop (Q2R (rate0 p)) r (vec x) j) + b i
      = ip (fun j => match j with O => b i | S k => A i k end) ((if biases p then 1%Q else 0%Q) :: v)).
  { intros i Hi. cbn [ip]. rewrite ip_sum, Lv. unfold next.
    rewrite (sum_ext _ _ (fun j => A i j * vec v j)) by (intros; rewrite Hv; reflexivity).
    destruct (biases p) eqn:HBp; [rewrite Q2R_1; ring | rewrite Q2R_0, (HB eq_refl i Hi); ring]. }
  unfold f, F, G, dot. f_equal; [f_equal; f_equal; f_equal|f_equal]; apply sum_ext; intros i Hi; rewrite X by assumption.
  - apply unit_response.
  - rewrite unit_response, sign_square. reflexivity.
Qed.

(* ---- cuts ------------------------------------------------------------------------------------------------------- *)

Definition pattern_of := list bool.      (* for each row, c . u >= 0 or c . u <= 0 *)

Definition sat (us : list (list Q)) (sigma : list bool) (c : nat -> R) : Prop :=
  forall k, (k < length us)%nat -> if nth k sigma false then 0 <= ip c (nth k us []) else ip c (nth k us []) <= 0.

Definition type_ := (bool * list bool)%type.   (* sign + or -, and the rows where the unit is active *)
Definition sgn (t : type_) : Q := if fst t then 1%Q else (-1)%Q.

(* z on the rows, and for each type its witness: h = c . u on the rows where the type is active, with multipliers; or None for
   the default, the positive part of -s z. *)
Inductive given := Form (c mu : list Q).
Record cut := Cut { res : list Q; wits : list (option given) }.

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
Fixpoint form (c u : list Q) : Q := match c, u with a :: c', b :: u' => plus (a * b) (form c' u') | _, _ => 0%Q end.
Fixpoint form_on (sigma : list bool) (us : list (list Q)) (c : list Q) : list Q :=
  match sigma, us with
  | k :: sigma', u :: us' => let x := form c u in (if k then x else nought x) :: form_on sigma' us' c
  | _, _ => []
  end.

Definition witness (nz : list bool) (us : list (list Q)) (z : list Q) (t : type_) (o : option given) : list Q :=
  match o with
  | Some (Form c _) => form_on (snd t) us c
  | None => default_h (sgn t) (responding nz (snd t)) z
  end.

(* Numbers on the active rows, and multipliers with the sign of their rows. *)
Fixpoint only (sigma : list bool) (l : list Q) : list Q :=
  match sigma, l with k :: sigma', a :: l' => (if k then a else nought a) :: only sigma' l' | _, _ => [] end.
Fixpoint against (sigma : list bool) (mu : list Q) : list Q :=
  match mu with [] => [] | m :: mu' => (if hd false sigma then - m else m)%Q :: against (tl sigma) mu' end.

(* The Gram matrix of the active rows, sum w u u^T, from w u_j on the rows for all j; all cuts share it. *)
Definition weighted (ws : list Q) (us : list (list Q)) (j : nat) : list Q := qmul ws (map (fun u => nth j u 0%Q) us).
Definition gram (columns : list (list Q)) (us : list (list Q)) (sigma : list bool) : list (list Q) :=
  map (fun l => comb (only sigma l) us) columns.

(* sum over active rows of w (h + s z) u = sum of +- mu u over all rows *)
Definition multipliers_ok (wz : list Q) (us : list (list Q)) (t : type_) (g : list (list Q)) (c mu : list Q) : bool :=
  forallb (Qle_bool 0) mu
  && is_zero (qadd (qadd (comb c g) (map (Qmult (sgn t)) (comb (only (snd t) wz) us))) (comb (against (snd t) mu) us)).

(* The default is valid without a check. *)
Definition type_ok (wz : list Q) (us : list (list Q)) (t : type_) (g : list (list Q)) (o : option given) : bool :=
  match o with None => true | Some (Form c mu) => multipliers_ok wz us t g c mu end.

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

Definition kappa (nz : list bool) (sq : list Q * list Q) (t : type_) (g : list (list Q)) (o : option given) : Q :=
  match o with
  | None => picked (responding nz (snd t)) (if fst t then fst sq else snd sq)
  | Some (Form c _) => qdot c (comb c g)
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

Lemma vec_tl l k : vec (tl l) k = vec l (S k).
Proof. destruct l; [rewrite !vec_nil; reflexivity | reflexivity]. Qed.

Lemma vec_hd l : Q2R (hd 0%Q l) = vec l 0.
Proof. destruct l; reflexivity. Qed.

Lemma vec_only sigma l k : vec (only sigma l) k = if nth k sigma false then vec l k else 0.
Proof.
  revert l k; induction sigma as [|a sigma IH]; intros l k.
  - cbn [only]. rewrite vec_nil. destruct k; reflexivity.
  - destruct l as [|x l]; cbn [only]; [rewrite vec_nil; destruct (nth k (a :: sigma) false); reflexivity|].
    destruct k as [|k]; [|apply (IH l k)]. unfold vec; cbn [nth]. destruct a; [reflexivity | apply Q2R_nought].
Qed.

Lemma vec_against sigma mu k : vec (against sigma mu) k = if nth k sigma false then - vec mu k else vec mu k.
Proof.
  revert sigma k; induction mu as [|m mu IH]; intros sigma k; cbn [against].
  - rewrite vec_nil. destruct (nth k sigma false); ring.
  - destruct k as [|k].
    + unfold vec at 1. cbn [nth]. destruct sigma as [|a sigma]; cbn [hd nth]; [reflexivity|]. destruct a; [rewrite Q2R_opp|]; reflexivity.
    + change (vec (?a :: ?l) (S k)) with (vec l k). rewrite IH. destruct sigma; [destruct k|]; reflexivity.
Qed.

Lemma Q2R_form c u : Q2R (form c u) = ip (vec c) u.
Proof.
  rewrite <- dot_ip. revert u; induction c as [|a c IH]; intros [|b u]; cbn [form qdot]; try reflexivity.
  rewrite Q2R_sum, IH. autorewrite with q2r. reflexivity.
Qed.

Lemma vec_form_on sigma us c k : vec (form_on sigma us c) k = if nth k sigma false then ip (vec c) (nth k us []) else 0.
Proof.
  revert us k; induction sigma as [|a sigma IH]; intros us k; [cbn [form_on]; rewrite vec_nil; destruct k; reflexivity|].
  destruct us as [|u us]; cbn [form_on].
  - rewrite vec_nil. replace (nth k [] []) with (@nil Q) by (destruct k; reflexivity). cbn [ip]. destruct (nth k (a :: sigma) false); reflexivity.
  - destruct k as [|k]; [|apply (IH us k)]. cbv zeta. unfold vec at 1. cbn [nth]. destruct a; [apply Q2R_form | apply Q2R_nought].
Qed.

(* For c as a linear form: gamma . (G c) = sum over active rows of w (c . u) (gamma . u). *)
Lemma gram_product ws us sigma D c gamma :
  length ws = length us -> forallb (fun u => Nat.eqb (length u) D) us = true ->
  ip gamma (comb c (gram (map (weighted ws us) (seq 0 D)) us sigma))
  = sum (length us) (fun k => if nth k sigma false then vec ws k * ip (vec c) (nth k us []) * ip gamma (nth k us []) else 0).
Proof.
  intros L H. rewrite forallb_forall in H. rewrite ip_comb. unfold gram. rewrite !map_length, seq_length.
  rewrite (sum_ext D _ (fun j => sum (length us) (fun k => vec c j * ((if nth k sigma false then vec ws k * vec (nth k us []) j else 0) * ip gamma (nth k us []))))).
  - rewrite sum_swap. apply sum_ext. intros k K. assert (Lu : length (nth k us []) = D) by (apply Nat.eqb_eq, H, nth_In, K).
    destruct (nth k sigma false).
    + rewrite (ip_sum (vec c)), Lu. rewrite <- sum_scale. rewrite (Rmult_comm _ (ip gamma _)), <- sum_scale. apply sum_ext. intros; ring.
    + rewrite (sum_ext D _ (fun _ => 0)) by (intros; ring). apply sum_zero.
  - intros j J. rewrite map_map.
    set (f := fun x => comb (only sigma (weighted ws us x)) us).
    rewrite nth_indep with (d' := f O) by (rewrite map_length, seq_length; exact J). rewrite (map_nth f), seq_nth by exact J. cbn [Nat.add].
    unfold f. rewrite ip_comb, <- sum_scale. apply sum_ext. intros k K. rewrite vec_only. unfold weighted. rewrite vec_mul.
    assert (E : vec (map (fun u => nth j u 0%Q) us) k = vec (nth k us []) j).
    { unfold vec. rewrite nth_indep with (d' := (fun u => nth j u 0%Q) []) by (rewrite map_length; exact K).
      rewrite (map_nth (fun u => nth j u 0%Q)). reflexivity. }
    rewrite E. reflexivity.
Qed.

Lemma kappa_sum ws us D z t o :
  length ws = length us -> forallb (fun u => Nat.eqb (length u) D) us = true ->
  Q2R (kappa (not_zero us) (both_squares ws z) t (gram (map (weighted ws us) (seq 0 D)) us (snd t)) o)
  = sum (length ws) (fun k => vec ws k * vec (witness (not_zero us) us z t o) k ^ 2).
Proof.
  intros L H. unfold kappa. destruct o as [[c mu]|].
  - rewrite dot_ip, (gram_product ws us (snd t) D c (vec c) L H), L. apply sum_ext. intros k K. cbn [witness]. rewrite vec_form_on.
    destruct (nth k (snd t) false); ring.
  - cbn [witness]. unfold both_squares, sgn. cbn [fst snd]. destruct (fst t); apply picked_squares.
Qed.

Lemma nonneg_vec l k : forallb (Qle_bool 0) l = true -> 0 <= vec l k.
Proof.
  intros H. unfold vec. destruct (Nat.lt_ge_cases k (length l)) as [L|L].
  - rewrite forallb_forall in H. rewrite <- Q2R_0. apply Qle_Rle, Qle_bool_iff, H, nth_In, L.
  - rewrite nth_overflow by assumption. rewrite Q2R_0. lra.
Qed.

Lemma sat_relu us sigma c k : sat us sigma c -> (k < length us)%nat ->
  relu (ip c (nth k us [])) = if nth k sigma false then ip c (nth k us []) else 0.
Proof. intros S K. specialize (S k K). unfold relu. destruct (nth k sigma false); [apply Rmax_right | apply Rmax_left]; assumption. Qed.

(* Signed multipliers of rows whose signs are known are a non-positive form. *)
Lemma against_nonpositive us sigma mu c : sat us sigma c -> forallb (Qle_bool 0) mu = true -> ip c (comb (against sigma mu) us) <= 0.
Proof.
  intros S M. rewrite ip_comb. assert (X : 0 <= sum (length us) (fun k => -1 * (vec (against sigma mu) k * ip c (nth k us [])))).
  { apply sum_nonneg. intros k K. rewrite vec_against. pose proof (nonneg_vec mu k M). specialize (S k K). destruct (nth k sigma false); nra. }
  rewrite sum_scale in X. lra.
Qed.

Lemma multipliers_sound ws us D z t c mu gamma :
  length ws = length us -> forallb (fun u => Nat.eqb (length u) D) us = true ->
  multipliers_ok (qmul ws z) us t (gram (map (weighted ws us) (seq 0 D)) us (snd t)) c mu = true -> sat us (snd t) gamma ->
  0 <= sum (length us) (fun k => vec ws k * (vec (form_on (snd t) us c) k + Q2R (sgn t) * vec z k) * relu (ip gamma (nth k us []))).
Proof.
  intros L HD H S. unfold multipliers_ok in H. apply andb_prop in H. destruct H as [M Z].
  apply (ip_zero gamma) in Z. rewrite !ip_add, ip_scale, (gram_product ws us (snd t) D c gamma L HD) in Z.
  pose proof (against_nonpositive us (snd t) mu gamma S M) as N. rewrite (ip_comb gamma (only _ _)) in Z.
  rewrite <- (sum_scale (length us)), <- sum_plus in Z.
  rewrite (sum_ext _ _ (fun k => (if nth k (snd t) false then vec ws k * ip (vec c) (nth k us []) * ip gamma (nth k us []) else 0)
     + Q2R (sgn t) * (vec (only (snd t) (qmul ws z)) k * ip gamma (nth k us [])))); [lra|].
  intros k K. rewrite (sat_relu us (snd t) gamma k S K), vec_form_on, vec_only, vec_mul. destruct (nth k (snd t) false); ring.
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

Lemma type_sound ws us D z t o c :
  length ws = length us -> forallb (fun u => Nat.eqb (length u) D) us = true -> (forall k, 0 <= vec ws k) ->
  type_ok (qmul ws z) us t (gram (map (weighted ws us) (seq 0 D)) us (snd t)) o = true -> sat us (snd t) c ->
  0 <= sum (length us) (fun k => vec ws k * (vec (witness (not_zero us) us z t o) k + Q2R (sgn t) * vec z k) * relu (ip c (nth k us []))).
Proof.
  intros L HD HW H S. destruct o as [[f mu]|]; [exact (multipliers_sound ws us D z t f mu c L HD H S)|]. clear H.
  apply sum_nonneg. intros k K. cbn [witness].
  destruct (nth k (responding (not_zero us) (snd t)) false) eqn:R.
  - apply (default_above (sgn t) _ z) in R. apply Rmult_le_pos; [|unfold relu; apply Rmax_l].
    apply Rmult_le_pos; [apply HW | lra].
  - assert (Z : relu (ip c (nth k us [])) = 0); [|rewrite Z; lra].
    rewrite responding_nth in R. apply andb_false_iff in R. specialize (S k K). unfold relu. destruct R as [R|R].
    + unfold not_zero in R. rewrite nth_indep with (d' := negb (is_zero [])) in R by (rewrite map_length; assumption).
      rewrite (map_nth (fun u => negb (is_zero u))) in R. apply negb_false_iff in R. rewrite (ip_zero c _ R). apply Rmax_left. lra.
    + rewrite R in S. apply Rmax_left. exact S.
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
