(* Theorems 4 and 6: the aversion under a diagonal map of the inputs and under scaling of the labels. *)

From Dropout Require Import Definitions Expectations Theorem_5.

(* A bijection of networks that multiplies criterion and risk by c > 0 multiplies the aversion by c. *)
Lemma aversion_transfer J K ns P P' c (f g : network -> network) a :
  0 < c ->
  (forall W, widths (f W) = widths W) -> (forall W, widths (g W) = widths W) ->
  (forall W, J (f W) P' = c * J W P) -> (forall W, risk K (f W) P' = c * risk K W P) ->
  (forall W, c * J (g W) P = J W P') -> (forall W, c * risk K (g W) P = risk K W P') ->
  aversion J K ns P a -> aversion J K ns P' (c * a).
Proof.
  intros C Wf Wg Jf Rf Jg Rg (m & (M1 & M2) & (W & [WW WM] & E) & B).
  exists (c * m). split; [split|split].
  - intros V HV. rewrite <- Rg. apply Rmult_le_compat_l; [lra|]. apply M1. rewrite Wg; assumption.
  - intros m' H. apply (Rmult_le_reg_l (/ c)); [apply Rinv_0_lt_compat, C|].
    replace (/ c * (c * m)) with m by (field; lra). apply M2. intros V HV.
    apply (Rmult_le_reg_l c); [assumption|]. replace (c * (/ c * m')) with m' by (field; lra).
    rewrite <- Rf. apply H. rewrite Wf; assumption.
  - exists (f W). split; [split|].
    + rewrite Wf; assumption.
    + intros V HV. rewrite Jf, <- Jg. apply Rmult_le_compat_l; [lra|]. apply WM. rewrite Wg; assumption.
    + rewrite Rf, <- E. ring.
  - intros V [HV HM]. rewrite <- Rg, <- Rmult_minus_distr_l. apply Rmult_le_compat_l; [lra|].
    apply B. split; [rewrite Wg; assumption|]. intros U HU.
    apply (Rmult_le_reg_l c); [assumption|]. rewrite Jg, <- Jf. apply HM. rewrite Wf; assumption.
Qed.

(* ---- Theorem 6 ----------------------------------------------------------------------------------------------- *)

Lemma scale_output_widths c W : widths (scale_output c W) = widths W.
Proof. induction W; simpl; [|rewrite IHW]; reflexivity. Qed.

Lemma scale_output_D q K c W Rs x : D q K (scale_output c W) Rs x = c * D q K W Rs x.
Proof.
  revert q K Rs x; induction W; intros; simpl; [|apply IHW].
  rewrite Rmult_plus_distr_l, <- sum_scale. f_equal. apply sum_ext; intros; ring.
Qed.

Lemma scale_output_value K c W x : value K (scale_output c W) x = c * value K W x.
Proof. rewrite !value_D. unfold keep_all. rewrite scale_output_widths. apply scale_output_D. Qed.

Lemma scale_labels_criterion q K c W P :
  criterion q K (scale_output c W) (scale_labels c P) = c ^ 2 * criterion q K W P.
Proof.
  unfold criterion, scale_labels. rewrite total_map, <- total_scale. apply total_ext. intros e _. simpl weight.
  rewrite (E_widths _ _ (scale_output c W) W) by apply scale_output_widths.
  rewrite (E_ext _ _ _ _ (fun Rs => c ^ 2 * (D q K W Rs (input e) - label e) ^ 2)).
  - rewrite E_scale. ring.
  - intros Rs. simpl. rewrite scale_output_D. ring.
Qed.

Lemma scale_labels_risk K c W P : risk K (scale_output c W) (scale_labels c P) = c ^ 2 * risk K W P.
Proof.
  unfold risk, scale_labels. rewrite total_map, <- total_scale. apply total_ext. intros e _.
  rewrite scale_output_value. simpl. ring.
Qed.

Lemma scale_output_twice c W : c <> 0 -> scale_output c (scale_output (/ c) W) = W.
Proof.
  intros C. induction W; simpl; [|rewrite IHW; reflexivity].
  f_equal; [extensionality j|]; field; assumption.
Qed.

Theorem theorem_6 q K ns P c a :
  0 < c -> dropout_aversion q K ns P a -> dropout_aversion q K ns (scale_labels c P) (c ^ 2 * a).
Proof.
  intros C. apply (aversion_transfer _ _ _ _ _ _ (scale_output c) (scale_output (/ c))).
  - simpl; nra.
  - apply scale_output_widths.
  - apply scale_output_widths.
  - intros; apply scale_labels_criterion.
  - intros; apply scale_labels_risk.
  - intros. rewrite <- scale_labels_criterion, scale_output_twice by lra. reflexivity.
  - intros. rewrite <- scale_labels_risk, scale_output_twice by lra. reflexivity.
Qed.

(* ---- Theorem 4 ----------------------------------------------------------------------------------------------- *)

(* W_1 times the inverse of the diagonal matrix of d. *)
Definition unscale_inputs (d : nat -> R) (W : network) : network :=
  match W with
  | Output w b => Output (fun j => w j / d j) b
  | Hidden n A b rest => Hidden n (fun i j => A i j / d j) b rest
  end.

Lemma unscale_inputs_D q K d W Rs x :
  (forall k, d k <> 0) -> D q K (unscale_inputs d W) Rs (fun k => d k * x k) = D q K W Rs x.
Proof.
  intros H. assert (P : forall r a j, a / d j * drop (q O) r (fun k => d k * x k) j = a * drop (q O) r x j).
  { intros. unfold drop. destruct (nth j r false); unfold Rdiv; [|ring].
    transitivity (a * (x j * / (1 - q O)) * (d j * / d j)); [ring|]. rewrite Rinv_r by auto. ring. }
  destruct W; simpl.
  - f_equal. apply sum_ext. intros. apply P.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros. apply P.
Qed.

Lemma unscale_inputs_widths d W : widths (unscale_inputs d W) = widths W.
Proof. destruct W; reflexivity. Qed.

Theorem theorem_4 q K ns P d a :
  (forall k, d k <> 0) -> dropout_aversion q K ns P a <-> dropout_aversion q K ns (scale_inputs d P) a.
Proof.
  intros H.
  assert (HI : forall k, / d k <> 0) by (intros; apply Rinv_neq_0_compat; auto).
  assert (G : forall e P, (forall k, e k <> 0) ->
     (forall W, criterion q K (unscale_inputs e W) (scale_inputs e P) = 1 * criterion q K W P)
     /\ (forall W, risk K (unscale_inputs e W) (scale_inputs e P) = 1 * risk K W P)).
  { intros e P0 He. split; intros W.
    - unfold criterion, scale_inputs. rewrite total_map, Rmult_1_l. apply total_ext. intros x _. simpl. f_equal.
      rewrite (E_widths _ _ _ W) by apply unscale_inputs_widths. apply E_ext. intros.
      rewrite unscale_inputs_D by assumption. reflexivity.
    - unfold risk, scale_inputs. rewrite total_map, Rmult_1_l. apply total_ext. intros x _. simpl.
      rewrite !value_D. unfold keep_all. rewrite unscale_inputs_widths, unscale_inputs_D by assumption. reflexivity. }
  assert (I : forall P, scale_inputs (fun k => / d k) (scale_inputs d P) = P).
  { intros P0. unfold scale_inputs. rewrite map_map. rewrite <- (map_id P0) at 2. apply map_ext.
    intros [w x y]. simpl. f_equal. extensionality k. field. auto. }
  assert (I' : forall P, scale_inputs d (scale_inputs (fun k => / d k) P) = P).
  { intros P0. unfold scale_inputs. rewrite map_map. rewrite <- (map_id P0) at 2. apply map_ext.
    intros [w x y]. simpl. f_equal. extensionality k. field. auto. }
  destruct (G d P H) as [G1 G2].
  destruct (G (fun k => / d k) (scale_inputs d P) HI) as [G3 G4]. rewrite I in G3, G4.
  rewrite <- (Rmult_1_l a) at 2.
  split; intros A.
  - apply (aversion_transfer _ _ _ P _ 1 (unscale_inputs d) (unscale_inputs (fun k => / d k)));
      auto using unscale_inputs_widths; try lra; intros; rewrite ?G3, ?G4; ring.
  - rewrite <- (Rmult_1_l a), <- (Rmult_1_l (1 * a)).
    rewrite !Rmult_1_l in *. rewrite <- (Rmult_1_l a).
    apply (aversion_transfer _ _ _ (scale_inputs d P) _ 1 (unscale_inputs (fun k => / d k)) (unscale_inputs d));
      auto using unscale_inputs_widths; try lra; intros; rewrite ?G1, ?G2; ring.
Qed.
