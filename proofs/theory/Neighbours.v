(* Results of the neighbouring literature: linear models, linear networks, matrix factorisation, the last layer. *)

From Dropout Require Import Definitions Expectations Last_layer.

Lemma expect_sum q n m (F : nat -> mask -> R) : expect q n (fun r => sum m (fun i => F i r)) = sum m (fun i => expect q n (F i)).
Proof.
  revert F; induction m; intros; simpl; [apply expect_const|]. rewrite expect_plus, (IHm (fun i => F (S i))). reflexivity.
Qed.

(* ---- the last layer, several outputs --------------------------------------------------------------------------------- *)

Theorem last_layer_outputs q n m A h b y :
  q < 1 ->
  expect q n (fun r => sum m (fun o => (sum n (fun i => A o i * drop q r h i) + b o - y o) ^ 2))
  = sum m (fun o => (dot n (A o) h + b o - y o) ^ 2) + noise q * sum n (fun i => h i ^ 2 * sum m (fun o => A o i ^ 2)).
Proof.
  intros Q. rewrite (expect_sum q n m (fun o r => (sum n (fun i => A o i * drop q r h i) + b o - y o) ^ 2)).
  rewrite (sum_ext m _ (fun o => (dot n (A o) h + b o - y o) ^ 2 + noise q * sum n (fun i => (A o i * h i) ^ 2)))
    by (intros; apply last_layer; assumption).
  rewrite sum_plus, sum_scale, sum_swap. do 2 f_equal. apply sum_ext. intros i _.
  rewrite <- sum_scale. apply sum_ext. intros; ring.
Qed.

(* ---- matrix factorisation (Cavazza et al. 2018), keep probability 1 - q ---------------------------------------------- *)

Theorem matrix_factorisation q d m n X U V :
  q < 1 ->
  expect q d (fun r => sum m (fun i => sum n (fun j => (X i j - sum d (fun k => U i k * V j k * drop q r ones k)) ^ 2)))
  = sum m (fun i => sum n (fun j => (X i j - sum d (fun k => U i k * V j k)) ^ 2))
    + noise q * sum d (fun k => sum m (fun i => U i k ^ 2) * sum n (fun j => V j k ^ 2)).
Proof.
  intros Q.
  rewrite (expect_sum q d m (fun i r => sum n (fun j => (X i j - sum d (fun k => U i k * V j k * drop q r ones k)) ^ 2))).
  rewrite (sum_ext m _ (fun i => sum n (fun j => (X i j - sum d (fun k => U i k * V j k)) ^ 2)
    + noise q * sum d (fun k => U i k ^ 2 * sum n (fun j => V j k ^ 2)))).
  - rewrite sum_plus, sum_scale, (sum_swap m d). do 2 f_equal. apply sum_ext. intros k _.
    rewrite Rmult_comm, <- sum_scale. apply sum_ext. intros; ring.
  - intros i _. rewrite (expect_sum q d n (fun j r => (X i j - sum d (fun k => U i k * V j k * drop q r ones k)) ^ 2)).
    rewrite (sum_ext n _ (fun j => (X i j - sum d (fun k => U i k * V j k)) ^ 2 + noise q * sum d (fun k => (U i k * V j k) ^ 2))).
    + rewrite sum_plus, sum_scale, (sum_swap n d). do 2 f_equal. apply sum_ext. intros k _. rewrite <- sum_scale. apply sum_ext. intros; ring.
    + intros j _. rewrite (expect_ext _ _ _ (fun r => (sum d (fun k => U i k * V j k * drop q r ones k) + 0 - X i j) ^ 2)) by (intros; ring).
      rewrite (last_layer q d (fun k => U i k * V j k) ones 0 (X i j)) by assumption. fold (noise q). unfold dot, ones. f_equal.
      * rewrite (sum_ext d _ (fun k => U i k * V j k)) by (intros; ring). ring.
      * f_equal. apply sum_ext. intros; ring.
Qed.

(* ---- least squares (Srivastava et al. 2014; Wager et al. 2013) ------------------------------------------------------- *)

Lemma linear_criterion q K w b P :
  q O < 1 -> criterion q K (Output w b) P
  = total P (fun e => weight e * ((dot K w (input e) + b - label e) ^ 2 + noise (q O) * sum K (fun j => (w j * input e j) ^ 2))).
Proof.
  intros Q. unfold criterion. apply total_ext. intros e _. rewrite E_output. cbn [D hd].
  rewrite last_layer by assumption. reflexivity.
Qed.

Theorem least_squares_penalty q K w b P :
  q O < 1 ->
  penalty q K (Output w b) P = noise (q O) * total P (fun e => weight e * sum K (fun j => (w j * input e j) ^ 2)).
Proof.
  intros Q. unfold penalty. rewrite linear_criterion by assumption.
  match goal with |- ?t - _ = ?p => enough (H : t = risk K (Output w b) P + p) by lra end.
  unfold risk. rewrite <- total_scale, <- total_plus. apply total_ext. intros e _. cbn [value]. unfold dot. ring.
Qed.

Lemma total_sum {T} (P : list T) K f : total P (fun e => sum K (fun i => f i e)) = sum K (fun i => total P (f i)).
Proof.
  revert f; induction K; intros; cbn [sum]; [|rewrite total_plus, (IHK (fun i => f (S i))); reflexivity].
  unfold total. induction P; simpl; lra.
Qed.

(* The normal equations (X'X + noise Diag(X'X)) w = X'y, row by row, characterise minimisers without bias: enough. *)
Theorem least_squares_minimiser q K w P :
  0 <= q O < 1 -> (forall e, In e P -> 0 <= weight e) ->
  (forall i, (i < K)%nat -> total P (fun e => weight e *
     (input e i * (dot K w (input e) - label e) + noise (q O) * input e i ^ 2 * w i)) = 0) ->
  forall v, criterion q K (Output w 0) P <= criterion q K (Output v 0) P.
Proof.
  intros Q HP N v. rewrite !linear_criterion by apply Q.
  assert (L : 0 <= noise (q O)) by (apply Rmult_le_pos; [lra | apply Rlt_le, Rinv_0_lt_compat; lra]).
  set (g := fun i e => weight e * (input e i * (dot K w (input e) - label e) + noise (q O) * input e i ^ 2 * w i)) in *.
  assert (Z : total P (fun e => sum K (fun i => (v i - w i) * g i e)) = 0).
  { rewrite (total_sum P K (fun i e => (v i - w i) * g i e)), (sum_ext K _ (fun _ => 0)); [apply sum_zero|].
    intros i I. rewrite total_scale. unfold g. rewrite N by assumption. ring. }
  match goal with |- ?t <= _ => replace t with (t + 2 * total P (fun e => sum K (fun i => (v i - w i) * g i e))) by (rewrite Z; ring) end.
  rewrite <- total_scale, <- total_plus. apply total_le. intros e I. specialize (HP e I).
  set (x := input e). set (y := label e).
  set (dv := dot K (fun i => v i - w i) x).
  assert (DV : dot K v x = dot K w x + dv).
  { unfold dv, dot. rewrite <- sum_plus. apply sum_ext. intros; ring. }
  assert (SV : sum K (fun j => (v j * x j) ^ 2) = sum K (fun j => (w j * x j) ^ 2) + 2 * sum K (fun j => (v j - w j) * (x j ^ 2 * w j))
      + sum K (fun j => ((v j - w j) * x j) ^ 2)).
  { rewrite <- sum_scale, <- !sum_plus. apply sum_ext. intros; ring. }
  assert (SG : sum K (fun i => (v i - w i) * g i e)
      = weight e * ((dot K w x - y) * dv + noise (q O) * sum K (fun j => (v j - w j) * (x j ^ 2 * w j)))).
  { unfold dv, dot at 2. rewrite <- !sum_scale, <- sum_plus, <- sum_scale. apply sum_ext. intros. unfold g. fold x y. ring. }
  rewrite SG, DV, SV. set (sw := sum K (fun j => (w j * x j) ^ 2)). set (sm := sum K (fun j => (v j - w j) * (x j ^ 2 * w j))).
  assert (S0 : 0 <= sum K (fun j => ((v j - w j) * x j) ^ 2)) by (apply sum_nonneg; intros; apply pow2_ge_0).
  set (sd := sum K (fun j => ((v j - w j) * x j) ^ 2)) in *.
  assert (0 <= weight e * (dv ^ 2 + noise (q O) * sd)).
  { apply Rmult_le_pos; [assumption|]. apply Rplus_le_le_0_compat; [apply pow2_ge_0 | apply Rmult_le_pos; assumption]. }
  lra.
Qed.

(* ---- linear networks (Baldi and Sadowski 2013): E D = W(x) ------------------------------------------------------------ *)

Lemma linear_affine K W : exists g c, forall x, linear_value K W x = dot K g x + c.
Proof.
  revert K; induction W as [w b|n A b W IH]; intros K; simpl.
  - exists w, b. reflexivity.
  - destruct (IH n) as (g & c & V). exists (fun j => sum n (fun i => g i * A i j)), (dot n g b + c). intros x. rewrite V.
    rewrite <- Rplus_assoc. f_equal. unfold dot.
    rewrite (sum_ext K _ (fun j => sum n (fun i => g i * A i j * x j))) by (intros; rewrite Rmult_comm, <- sum_scale; apply sum_ext; intros; ring).
    rewrite sum_swap, <- sum_plus. apply sum_ext. intros i I.
    rewrite Rmult_plus_distr_l, <- sum_scale. f_equal. apply sum_ext. intros; ring.
Qed.

Theorem linear_networks q K W x : rates q -> E q K W (fun Rs => linear_D q K W Rs x) = linear_value K W x.
Proof.
  revert q K x; induction W as [w b|n A b W IH]; intros q K x Q.
  - rewrite E_output. apply mean_linear, Q.
  - rewrite E_hidden. cbn [linear_D hd tl]. destruct (linear_affine K (Hidden n A b W)) as (g & c & V).
    rewrite (expect_ext _ _ _ (fun r => sum K (fun j => g j * drop (q O) r x j) + c)).
    + rewrite V. apply mean_linear, Q.
    + intros r _. rewrite IH by (intros l; apply Q). exact (V (drop (q O) r x)).
Qed.
