(* Theorem 17 with the paper's constants: K = 2, q = 1/2. *)

From Dropout Require Import Definitions Expectations Every_network Theorem_18 First_one Nonnegative_weights Every_network_limit.

(* The gadget network with output bias 1/5 tends to 1/10 ... *)
Theorem theorem_17_limit d eps :
  (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat ->
  let V := best_W_neg (fun _ => 1/2) 2 n (repeat n (d - 2)) (1/5) in
  widths V = repeat n (d - 1) /\ 1/10 <= criterion (fun _ => 1/2) 2 V (half ones 1) <= 1/10 + eps.
Proof.
  intros Hd He. destruct (A_neg_near_1 (1/2) 2 d eps ltac:(lra) ltac:(lia) Hd He) as (n0 & H).
  exists n0. intros n Hn V. destruct (H n Hn) as (Pm & Pn & A1 & A2). split.
  { unfold V, best_W_neg. rewrite W_neg_widths. replace (d - 1)%nat with (S (d - 2)) by lia. reflexivity. }
  assert (Hns : Forall (lt 0) (repeat n (d - 2))) by (apply Forall_forall; intros a I; apply repeat_spec in I; lia).
  pose proof (lemma_10 (fun _ => 1/2) 2 n (repeat n (d - 2)) (1/5) ltac:(intros l; lra) ltac:(lia) Pm Hns) as J.
  cbv zeta beta in J. unfold V, best_W_neg. rewrite J. set (A := A_neg _ 2 n (repeat n (d - 2))) in *.
  assert (IA : / A <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
  unfold Rdiv. simpl. lra.
Qed.

(* ... every network without negative weights, of any depth and widths, is at least 1/8 ... *)
Theorem theorem_17_nonnegative W :
  nonnegative_weights 2 W -> 1/8 <= criterion (fun _ => 1/2) 2 W (half ones 1).
Proof.
  intros HW. pose proof (nonnegative_bound (fun _ => 1/2) 2 W ltac:(intros l; lra) HW) as B. cbv beta in B.
  replace (INR 2) with 2 in B by (simpl; ring).
  replace (1 / 2 / (2 * (2 * (1 - 1 / 2) + 2 * (1 / 2)))) with (1/8) in B by field. exact B.
Qed.

(* ... so for every fixed depth and all large n every minimiser has a negative weight. *)
Theorem theorem_17 d :
  (2 <= d)%nat -> exists n0, forall n, (n0 <= n)%nat -> forall W,
  minimiser (fun W => criterion (fun _ => 1/2) 2 W (half ones 1)) (repeat n (d - 1)) W -> ~ nonnegative_weights 2 W.
Proof.
  intros Hd. destruct (theorem_17_limit d (1/80) Hd ltac:(lra)) as (n0 & H). exists n0. intros n Hn W [HW HM] HN.
  destruct (H n Hn) as [VW [_ B]]. specialize (HM _ VW). cbv beta in HM. pose proof (theorem_17_nonnegative W HN). lra.
Qed.
