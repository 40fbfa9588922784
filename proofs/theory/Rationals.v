(* The same definitions on rationals and lists, to be evaluated inside Coq, and the proof that they are the same. *)

From Dropout Require Import Definitions Expectations.
Require Import QArith Qreals.
Open Scope R_scope.

Inductive qnetwork : Type :=
  | QOutput (w : list Q) (b : Q)
  | QHidden (rows : list (list Q * Q)) (rest : qnetwork).    (* weights and bias of each unit *)

Definition vec (l : list Q) (i : nat) : R := Q2R (nth i l 0%Q).

Fixpoint real (W : qnetwork) : network :=
  match W with
  | QOutput w b => Output (vec w) (Q2R b)
  | QHidden rows rest =>
      Hidden (length rows) (fun i => vec (fst (nth i rows ([], 0%Q)))) (fun i => Q2R (snd (nth i rows ([], 0%Q)))) (real rest)
  end.

Definition qrelu (t : Q) : Q := if Qle_bool 0 t then t else 0.

Fixpoint qdot (u v : list Q) : Q :=
  match u, v with a :: u', b :: v' => Qred (a * b + qdot u' v') | _, _ => 0 end.

Fixpoint qvalue (W : qnetwork) (x : list Q) : Q :=
  match W with
  | QOutput w b => qdot w x + b
  | QHidden rows rest => qvalue rest (map (fun r => qrelu (qdot (fst r) x + snd r)) rows)
  end.

(* Mean of f over all masks of the values x. *)
Fixpoint qexpect (q : Q) (x : list Q) (f : list Q -> Q) : Q :=
  match x with
  | [] => f []
  | a :: x' => Qred ((1 - q) * qexpect q x' (fun v => f (a / (1 - q) :: v)%Q) + q * qexpect q x' (fun v => f (0 :: v)%Q))
  end.

Fixpoint qcriterion_at (q : list Q) (W : qnetwork) (x : list Q) (y : Q) : Q :=
  qexpect (hd 0%Q q) x (fun x' =>
    match W with
    | QOutput w b => let d := (qdot w x' + b - y)%Q in (d * d)%Q
    | QHidden rows rest => qcriterion_at (tl q) rest (map (fun r => qrelu (qdot (fst r) x' + snd r)) rows) y
    end).

Definition qdistribution := list (Q * list Q * Q).
Definition qcriterion (q : list Q) W (P : qdistribution) : Q :=
  fold_right (fun e s => let '(w, x, y) := e in Qred (w * qcriterion_at q W x y + s)) 0%Q P.
Definition qrisk W (P : qdistribution) : Q :=
  fold_right (fun e s => let '(w, x, y) := e in Qred (w * ((qvalue W x - y) * (qvalue W x - y)) + s)) 0%Q P.

Definition real_distribution (P : qdistribution) : distribution :=
  map (fun e => let '(w, x, y) := e in Example (Q2R w) (vec x) (Q2R y)) P.

(* Every example has K inputs. *)
Definition inputs_ok (K : nat) (P : qdistribution) : bool :=
  forallb (fun e => let '(_, x, _) := e in Nat.eqb (length x) K) P.

(* ---- the two agree ------------------------------------------------------------------------------------------- *)

Lemma Q2R_0 : Q2R 0 = 0. Proof. unfold Q2R; simpl; lra. Qed.
Lemma Q2R_1 : Q2R 1 = 1. Proof. unfold Q2R; simpl; lra. Qed.
Lemma Q2R_red q : Q2R (Qred q) = Q2R q. Proof. apply Qeq_eqR, Qred_correct. Qed.
#[export] Hint Rewrite Q2R_0 Q2R_1 Q2R_red Q2R_plus Q2R_mult Q2R_minus : q2r.

Lemma Q2R_relu t : Q2R (qrelu t) = relu (Q2R t).
Proof.
  unfold qrelu, relu. destruct (Qle_bool 0 t) eqn:H.
  - apply Qle_bool_iff in H. apply Qle_Rle in H. rewrite Q2R_0 in H. rewrite Rmax_right; auto.
  - rewrite Q2R_0, Rmax_left; [reflexivity|]. assert (N : ~ (0 <= t)%Q) by (rewrite <- Qle_bool_iff; congruence).
    apply Qnot_le_lt, Qlt_Rlt in N. rewrite Q2R_0 in N. lra.
Qed.

Lemma vec_nil i : vec [] i = 0.
Proof. unfold vec. destruct i; apply Q2R_0. Qed.

(* The bound n may be any number that covers x. *)
Lemma Q2R_dot w x : Q2R (qdot w x) = sum (length x) (fun j => vec w j * vec x j).
Proof.
  revert w; induction x as [|b x IH]; intros [|a w]; cbn [qdot length sum]; autorewrite with q2r; try reflexivity.
  - rewrite (sum_ext _ _ (fun _ => 0 * 0)); [rewrite sum_const, vec_nil; ring|]. intros; rewrite vec_nil; ring.
  - rewrite IH. unfold vec; simpl. reflexivity.
Qed.

Lemma vec_map (f : list Q * Q -> Q) rows i :
  (i < length rows)%nat -> vec (map f rows) i = Q2R (f (nth i rows ([], 0%Q))).
Proof. intros H. unfold vec. rewrite (nth_indep _ 0%Q (f ([], 0%Q))) by (rewrite map_length; assumption). rewrite map_nth. reflexivity. Qed.

Lemma value_real K W x : length x = K -> value K (real W) (vec x) = Q2R (qvalue W x).
Proof.
  revert K x; induction W; intros K x L; cbn [value real qvalue].
  - autorewrite with q2r. rewrite Q2R_dot, L. reflexivity.
  - rewrite <- (IHW (length rows)) by apply map_length. apply value_ext. intros i I.
    rewrite vec_map, Q2R_relu by assumption. autorewrite with q2r. rewrite Q2R_dot, L. reflexivity.
Qed.

Lemma Q2R_inv' q : Q2R (/ q) = / Q2R q.
Proof.
  destruct (Qeq_dec q 0) as [H|H]; [|apply Q2R_inv; assumption].
  rewrite (Qeq_eqR _ _ H), Q2R_0, Rinv_0, <- Q2R_0. apply Qeq_eqR. rewrite H. reflexivity.
Qed.

Lemma expect_real q x (F : mask -> R) (f : list Q -> Q) :
  (forall r v, length r = length x -> length v = length x -> (forall i, vec v i = drop (Q2R q) r (vec x) i) -> F r = Q2R (f v)) ->
  expect (Q2R q) (length x) F = Q2R (qexpect q x f).
Proof.
  revert F f; induction x as [|a x IH]; intros F f H; cbn [qexpect length].
  - rewrite expect_0. apply H; try reflexivity. intros i. rewrite vec_nil. unfold drop. destruct i; simpl; reflexivity.
  - rewrite expect_S. autorewrite with q2r. f_equal; f_equal; apply IH; intros r v Lr Lv Hv; apply H; simpl; try congruence.
    + intros [|i]; [|apply Hv]. unfold vec, drop; simpl. unfold Rdiv, Qdiv. autorewrite with q2r. rewrite Q2R_inv'. autorewrite with q2r. reflexivity.
    + intros [|i]; [|apply Hv]. unfold vec, drop; simpl. apply Q2R_0.
Qed.

Definition qrates (q : list Q) : nat -> R := fun l => Q2R (nth l q 0%Q).

Lemma criterion_at_real q K W x y :
  length x = K ->
  E (qrates q) K (real W) (fun Rs => (D (qrates q) K (real W) Rs (vec x) - Q2R y) ^ 2) = Q2R (qcriterion_at q W x y).
Proof.
  revert q K x; induction W; intros q K x L; subst K.
  - simpl real. rewrite E_output. simpl qcriterion_at. replace (qrates q 0) with (Q2R (hd 0%Q q)) by (destruct q; reflexivity).
    apply expect_real. intros r v Lr Lv Hv. autorewrite with q2r. rewrite Q2R_dot, Lv. simpl.
    replace (qrates q 0) with (Q2R (hd 0%Q q)) by (destruct q; reflexivity).
    rewrite (sum_ext _ _ (fun j => vec w j * vec v j)); [ring|]. intros. rewrite Hv. reflexivity.
  - simpl real. rewrite E_hidden. simpl qcriterion_at. replace (qrates q 0) with (Q2R (hd 0%Q q)) by (destruct q; reflexivity).
    apply expect_real. intros r v Lr Lv Hv. rewrite <- (IHW _ (length rows)) by apply map_length.
    assert (N : next (qrates q) = qrates (tl q)). { extensionality l. unfold next, qrates. destruct q as [|a q]; [destruct l; reflexivity | reflexivity]. }
    rewrite N. apply E_ext. intros Rs. cbn [D hd tl]. rewrite N. do 2 f_equal. apply D_ext. intros i I.
    rewrite vec_map, Q2R_relu by assumption. autorewrite with q2r. rewrite Q2R_dot, Lv. do 2 f_equal.
    apply sum_ext. intros j _. rewrite Hv. replace (qrates q 0) with (Q2R (hd 0%Q q)) by (destruct q; reflexivity). reflexivity.
Qed.

Theorem criterion_real q K W P :
  inputs_ok K P = true -> criterion (qrates q) K (real W) (real_distribution P) = Q2R (qcriterion q W P).
Proof.
  induction P as [|[[w x] y] P IH]; intros H; [symmetry; apply Q2R_0|].
  apply andb_prop in H. destruct H as [L H]. apply Nat.eqb_eq in L.
  change (qcriterion q W ((w, x, y) :: P)) with (Qred (w * qcriterion_at q W x y + qcriterion q W P)).
  autorewrite with q2r. rewrite <- IH, <- (criterion_at_real q K) by assumption. reflexivity.
Qed.

Theorem risk_real K W P : inputs_ok K P = true -> risk K (real W) (real_distribution P) = Q2R (qrisk W P).
Proof.
  induction P as [|[[w x] y] P IH]; intros H; [symmetry; apply Q2R_0|].
  apply andb_prop in H. destruct H as [L H]. apply Nat.eqb_eq in L.
  change (qrisk W ((w, x, y) :: P)) with (Qred (w * ((qvalue W x - y) * (qvalue W x - y)) + qrisk W P)).
  autorewrite with q2r. rewrite <- IH, <- (value_real K) by assumption.
  change (risk K (real W) (real_distribution ((w, x, y) :: P)))
    with (Q2R w * (value K (real W) (vec x) - Q2R y) ^ 2 + risk K (real W) (real_distribution P)). ring.
Qed.
