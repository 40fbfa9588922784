(* Figure 1 and larger networks, evaluated inside Coq. *)

From Dropout Require Import Definitions Expectations Rationals.
Require Import QArith Qreals.
Open Scope R_scope.

Definition figure_1 : qnetwork := QHidden [([1%Q; 1%Q], 0%Q); ([1%Q; 1%Q], 0%Q)] (QOutput [1%Q; 1%Q] 0%Q).
Definition example_1 : qdistribution := [(1%Q, [1%Q; (-1)%Q], 8%Q)].
Definition halves : list Q := [(1#2)%Q; (1#2)%Q].

Theorem figure_1_values :
  criterion (qrates halves) 2 (real figure_1) (real_distribution example_1) = 54
  /\ risk 2 (real figure_1) (real_distribution example_1) = 64
  /\ penalty (qrates halves) 2 (real figure_1) (real_distribution example_1) = -10.
Proof.
  assert (C : criterion (qrates halves) 2 (real figure_1) (real_distribution example_1) = 54).
  { rewrite criterion_real by reflexivity. rewrite (Qeq_eqR _ 54) by (vm_compute; reflexivity). unfold Q2R; simpl; lra. }
  assert (R : risk 2 (real figure_1) (real_distribution example_1) = 64).
  { rewrite risk_real by reflexivity. rewrite (Qeq_eqR _ 64) by (vm_compute; reflexivity). unfold Q2R; simpl; lra. }
  unfold penalty. rewrite C, R. repeat split; lra.
Qed.

(* The same in the paper's own words: all weights 1, biases 0, x = (1, -1), y = 8, q = 1/2. *)
Definition paper_1 : network := Hidden 2 (fun _ _ => 1) (fun _ => 0) (Output (fun _ => 1) 0).
Definition x_1 (i : nat) : R := match i with O => 1 | _ => -1 end.

Theorem figure_1_paper : penalty (fun _ => 1/2) 2 paper_1 (point x_1 8) = -10.
Proof.
  assert (R0 : relu 0 = 0) by (apply relu_id; lra).
  unfold penalty, criterion, risk, point, total; simpl fold_right.
  unfold paper_1. rewrite E_hidden. unfold next. rewrite !expect_S, !expect_0. rewrite !E_output.
  rewrite !expect_S, !expect_0. simpl. unfold drop; simpl.
  repeat match goal with |- context [relu ?t] =>
    first [ replace (relu t) with 0 by (unfold relu; rewrite Rmax_left; lra)
          | replace (relu t) with t by (unfold relu; rewrite Rmax_right; lra) ] end.
  lra.
Qed.
