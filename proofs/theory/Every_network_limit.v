(* The universal bound is approached as the width grows, for every fixed depth d >= 2 and q in (0, 1). *)

From Dropout Require Import Definitions Expectations Every_network Theorem_18 First_one.
Require Import Arith.
Close Scope nat_scope. Open Scope R_scope.

Lemma A_neg_near_1 q K d eps :
  0 < q < 1 -> (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat ->
  (0 < n / K)%nat /\ (0 < n)%nat /\ 1 <= A_neg (fun _ => q) K n (repeat n (d - 2)) /\ 1 - eps <= / A_neg (fun _ => q) K n (repeat n (d - 2)).
Proof.
  intros Q HK Hd E. assert (L0 : 0 < noise q) by (unfold noise; apply Rdiv_lt_0_compat; lra).
  set (T := INR d * noise q + noise q). assert (D0 : 0 < INR d) by (apply lt_0_INR; lia).
  assert (PT : 0 < T) by (unfold T; nra). set (e := Rmin eps 1). assert (Pe : 0 < e <= 1) by (unfold e, Rmin; destruct (Rle_dec eps 1); lra).
  destruct (archimed_cor1 (e / T)) as (m0 & M0 & M1); [apply Rdiv_lt_0_compat; lra|].
  exists (m0 * K)%nat. intros n Hn. assert (Hm : (m0 <= n / K)%nat) by (apply Nat.div_le_lower_bound; lia).
  set (m := (n / K)%nat) in *. assert (Pm : (0 < m)%nat) by lia.
  assert (mn : (m <= n)%nat) by (unfold m; apply Nat.div_le_upper_bound; nia).
  assert (Rm0 : 0 < INR m0) by (apply lt_0_INR; assumption). assert (Rm : INR m0 <= INR m) by (apply le_INR; assumption).
  assert (Rmn : INR m <= INR n) by (apply le_INR; assumption).
  set (t := noise q / INR m). assert (t0 : 0 <= t) by (apply Rlt_le, Rdiv_lt_0_compat; lra).
  assert (tm : t * INR m = noise q) by (unfold t; field; lra).
  assert (T0 : T < e * INR m).
  { apply Rlt_le_trans with (e * INR m0); [|apply Rmult_le_compat_l; lra].
    apply (Rmult_lt_reg_r (/ INR m0)); [apply Rinv_0_lt_compat, Rm0|]. rewrite Rmult_assoc, Rinv_r by lra.
    apply (Rmult_lt_compat_l T) in M0; [|assumption]. replace (T * (e / T)) with e in M0 by (field; lra). lra. }
  assert (dt : INR d * t < e). { apply (Rmult_lt_reg_r (INR m)); [lra|]. rewrite Rmult_assoc, tm. unfold T in T0. lra. }
  assert (t1 : t <= 1). { apply (Rmult_le_reg_r (INR m)); [lra|]. rewrite tm. unfold T in T0.
    assert (0 <= INR d * noise q) by (apply Rmult_le_pos; lra). assert (e * INR m <= 1 * INR m) by (apply Rmult_le_compat_r; lra). lra. }
  assert (ee : e <= eps) by apply Rmin_l.
  split; [assumption|]. split; [lia|]. split.
  - unfold A_neg. fold m t. assert (1 <= growth (next (next (fun _ => q))) (repeat n (d - 2))).
    { apply growth_ge_1; [intros l; unfold next; lra|]. apply Forall_forall. intros a I. apply repeat_spec in I. lia. }
    change (noise ((fun _ : nat => q) 1%nat) / INR m) with t. nra.
  - apply Rle_trans with (1 - INR d * t); [lra|].
    assert (dd : INR d = INR (S (d - 2)) + 1) by (rewrite <- S_INR; f_equal; lia).
    eapply Rle_trans; [|apply Rle_trans with ((1 - t) ^ S (d - 2))]; [|apply bernoulli; lra|].
    { rewrite dd. lra. }
    assert (IA : / A_neg (fun _ => q) K n (repeat n (d - 2)) = / (1 + t) * (/ (1 + noise q / INR n)) ^ (d - 2)).
    { unfold A_neg. change (next (next (fun _ : nat => q))) with (fun _ : nat => q). rewrite growth_repeat by lia. fold m t.
      rewrite Rinv_mult, pow_inv. reflexivity. }
    rewrite IA. cbn [pow].
    assert (I1 : forall s, 0 <= s <= t -> 0 <= 1 - t <= / (1 + s)).
    { intros s Hs. split; [lra|]. apply (Rmult_le_reg_r (1 + s)); [lra|]. rewrite Rinv_l by lra. nra. }
    assert (sn : 0 <= noise q / INR n <= t).
    { split; [apply Rlt_le, Rdiv_lt_0_compat; lra|]. unfold t. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
    apply Rmult_le_compat; [lra | apply pow_le; lra | apply I1; lra | apply pow_incr, I1, sn].
Qed.

Theorem universal_bound_sharp q K d eps :
  0 < q < 1 -> (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat -> exists V, widths V = repeat n (d - 1)
  /\ criterion (fun _ => q) K V (half ones 1) <= q ^ K / (2 * (1 + q ^ K)) + eps.
Proof.
  intros Q HK Hd He. destruct (A_neg_near_1 q K d eps Q HK Hd He) as (n0 & H). exists n0. intros n Hn.
  destruct (H n Hn) as (Pm & Pn & A1 & A2). set (ns := repeat n (d - 2)) in *. set (A := A_neg _ K n ns) in *.
  assert (Hns : Forall (lt 0) ns) by (apply Forall_forall; intros a I; apply repeat_spec in I; lia).
  set (s := 1 - (1 - q ^ K) / A). assert (S0 : 0 < q ^ K) by (apply pow_lt; lra).
  assert (S1 : q ^ K <= 1) by (rewrite <- (pow1 K); apply pow_incr; lra).
  assert (IA : 0 < / A) by (apply Rinv_0_lt_compat; lra). assert (IA1 : / A <= 1) by (rewrite <- Rinv_1; apply Rinv_le_contravar; lra).
  assert (Lo : q ^ K <= s) by (unfold s, Rdiv; nra). assert (Hi : s <= q ^ K + eps) by (unfold s, Rdiv; nra).
  set (b := s / (1 + s)).
  exists (W_neg K n ns ((1 - b) / (size ns * (INR (n / K) / (1 - q)) * A)) b). split.
  { rewrite W_neg_widths. unfold ns. replace (d - 1)%nat with (S (d - 2)) by lia. reflexivity. }
  pose proof (lemma_10 (fun _ => q) K n ns b ltac:(intros l; lra) HK Pm Hns) as J. cbv zeta beta in J. fold A in J. rewrite J. fold s.
  replace ((b ^ 2 + (1 - b) ^ 2 * s) / 2) with (s / (1 + s) / 2) by (unfold b; field; lra).
  apply (Rmult_le_reg_r (2 * (1 + s) * (1 + q ^ K))); [apply Rmult_lt_0_compat; lra|].
  replace (s / (1 + s) / 2 * (2 * (1 + s) * (1 + q ^ K))) with (s * (1 + q ^ K)) by (field; lra).
  replace ((q ^ K / (2 * (1 + q ^ K)) + eps) * (2 * (1 + s) * (1 + q ^ K))) with (q ^ K * (1 + s) + 2 * eps * ((1 + s) * (1 + q ^ K))) by (field; lra).
  assert (eps * 1 <= eps * ((1 + s) * (1 + q ^ K))) by (apply Rmult_le_compat_l; nra). lra.
Qed.
