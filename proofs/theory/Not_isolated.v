(* Theorem 5, the consequence: with at least one hidden layer no network is isolated among those with the same D. *)

From Dropout Require Import Definitions Expectations Theorem_5 Every_network Theorems_4_and_6.

Lemma bounded n (f : nat -> R) : exists M, 0 <= M /\ forall i, (i < n)%nat -> Rabs (f i) <= M.
Proof.
  induction n as [|n (M & P & H)]; [exists 0; split; [lra | intros; lia]|].
  exists (Rmax M (Rabs (f n))). split; [eapply Rle_trans; [exact P | apply Rmax_l]|].
  intros i I. destruct (Nat.eq_dec i n) as [->|N]; [apply Rmax_r|]. eapply Rle_trans; [apply H; lia | apply Rmax_l].
Qed.

Lemma bounded2 n K (A : nat -> nat -> R) : exists M, 0 <= M /\ forall i j, (i < n)%nat -> (j < K)%nat -> Rabs (A i j) <= M.
Proof.
  induction n as [|n (M & P & H)]; [exists 0; split; [lra | intros; lia]|]. destruct (bounded K (A n)) as (L & PL & HL).
  exists (Rmax M L). split; [eapply Rle_trans; [exact P | apply Rmax_l]|].
  intros i j I J. destruct (Nat.eq_dec i n) as [->|N]; [eapply Rle_trans; [apply HL, J | apply Rmax_r]|].
  eapply Rle_trans; [apply H; [lia | assumption] | apply Rmax_l].
Qed.

Definition all_entries (P : R -> Prop) K W := entries (fun a _ => P a) K W W.

Lemma bounded_network K W : exists M, 0 <= M /\ all_entries (fun a => Rabs a <= M) K W.
Proof.
  unfold all_entries. revert K; induction W as [w b|n A b W IH]; intros K; cbn [entries].
  - destruct (bounded K w) as (M & P & H). exists (Rmax M (Rabs b)). split; [eapply Rle_trans; [exact P | apply Rmax_l]|].
    split; [intros j J; eapply Rle_trans; [apply H, J | apply Rmax_l] | apply Rmax_r].
  - destruct (IH n) as (M & P & H), (bounded2 n K A) as (L & PL & HL), (bounded n b) as (N & PN & HN).
    exists (M + L + N). split; [lra|]. split; [reflexivity|]. split; [intros i j I J; specialize (HL i j I J); lra|].
    split; [intros i I; specialize (HN i I); lra|].
    assert (Mono : forall V K', entries (fun a _ => Rabs a <= M) K' V V -> entries (fun a _ => Rabs a <= M + L + N) K' V V).
    { clear - PL PN. induction V as [w b|n A b V IH]; intros K'; cbn [entries].
      - intros [X Y]. split; [intros j J; specialize (X j J); lra | lra].
      - intros (_ & X & Y & Z). repeat split; [intros i j I J; specialize (X i j I J); lra | intros i I; specialize (Y i I); lra | apply IH, Z]. }
    apply Mono, H.
Qed.

(* c 0 = 1 + t, c 1 = 1 / (1 + t), the others 1. *)
Definition turn (t : R) (l : nat) : R := match l with O => 1 + t | S O => / (1 + t) | _ => 1 end.

Lemma near_rescale_rest eps M t K W :
  0 < t -> 0 <= M -> t * M < eps -> all_entries (fun a => Rabs a <= M) K W -> near eps K W (rescale_from (1 + t) (next (turn t)) W).
Proof.
  intros T PM HT H.
  assert (S1 : forall a, Rabs a <= M -> Rabs (next (turn t) 0 * a - a) < eps).
  { intros a Ha. unfold next, turn. replace (/ (1 + t) * a - a) with (- (t / (1 + t)) * a) by (field; lra).
    rewrite Rabs_mult, Rabs_Ropp, (Rabs_right (t / (1 + t))) by (apply Rle_ge, Rlt_le, Rdiv_lt_0_compat; lra).
    assert (X : t / (1 + t) <= t) by (apply (Rmult_le_reg_r (1 + t)); [lra|]; unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; nra).
    apply Rle_lt_trans with (t * M); [|assumption]. apply Rmult_le_compat; try assumption; [apply Rlt_le, Rdiv_lt_0_compat; lra | apply Rabs_pos]. }
  assert (E0 : 0 < eps) by (assert (0 <= t * M) by (apply Rmult_le_pos; lra); lra).
  assert (S2 : forall a, Rabs ((1 + t) * next (turn t) 0 * a - a) < eps).
  { intros a. unfold next, turn. rewrite Rinv_r, Rmult_1_l, Rminus_diag_eq, Rabs_R0 by lra. assumption. }
  assert (One : forall C c K V, C = 1 -> (forall l, c l = 1) -> near eps K V (rescale_from C c V)).
  { clear - E0. intros C c K V. revert C c K; induction V as [w b|n A b V IH]; intros C c K HC Hc; cbn [near entries rescale_from]; subst C.
    - split; [intros j _|]; rewrite Hc; match goal with |- Rabs ?e < _ => replace e with 0 by ring end; rewrite Rabs_R0; assumption.
    - split; [reflexivity|]. split; [intros i j _ _|split; [intros i _|]].
      + rewrite Hc. match goal with |- Rabs ?e < _ => replace e with 0 by ring end; rewrite Rabs_R0; assumption.
      + rewrite Hc. match goal with |- Rabs ?e < _ => replace e with 0 by ring end; rewrite Rabs_R0; assumption.
      + apply IH; [rewrite Hc; ring | intros l; apply Hc]. }
  destruct W as [w b|n A b W]; cbn [near entries rescale_from all_entries] in *; unfold all_entries in H; cbn [entries] in H.
  - destruct H as [X Y]. split; [intros j J; apply S1, X, J | apply S2].
  - destruct H as (_ & X & Y & Z). split; [reflexivity|]. split; [intros i j I J; apply S1, X; assumption|]. split; [intros i _; apply S2|].
    apply One; [unfold next, turn; field; lra | intros l; reflexivity].
Qed.

Definition bump (eps : R) (W : network) : network :=     (* the weight from input 0 to unit 0 of the first layer *)
  match W with
  | Output w b => Output (fun j => match j with O => w O + eps | _ => w j end) b
  | Hidden n A b rest => Hidden n (fun i j => match i, j with O, O => A O O + eps | _, _ => A i j end) b rest
  end.

Lemma bump_D eps q K W Rs : D q K (bump eps W) Rs (fun _ => 0) = D q K W Rs (fun _ => 0).
Proof.
  destruct W; cbn [bump D].
  - f_equal. apply sum_ext. intros j _. rewrite drop_zero. ring.
  - f_equal. extensionality i. do 2 f_equal. apply sum_ext. intros j _. rewrite drop_zero. ring.
Qed.

Lemma near_refl eps K W : 0 < eps -> near eps K W W.
Proof.
  intros E. assert (Z : forall a, Rabs (a - a) < eps) by (intros; rewrite Rminus_diag_eq, Rabs_R0 by reflexivity; assumption).
  revert K; induction W as [w b|n A b W IH]; intros K; unfold near; cbn [entries]; [split; auto|].
  repeat split; auto. apply (IH n).
Qed.

Lemma all_or_some n (P : nat -> Prop) : (forall i, P i \/ ~ P i) -> (forall i, (i < n)%nat -> P i) \/ exists i, (i < n)%nat /\ ~ P i.
Proof.
  intros D. induction n as [|n [H|(i & I & H)]]; [left; intros; lia| |right; exists i; split; [lia | assumption]].
  destruct (D n) as [Y|N]; [left|right; exists n; split; [lia | assumption]].
  intros i I. destruct (Nat.eq_dec i n) as [->|Ne]; [assumption | apply H; lia].
Qed.

Lemma Req_em (a b : R) : a = b \/ a <> b.
Proof. destruct (Req_dec a b); auto. Qed.

Theorem not_isolated K n A b rest eps :
  (0 < K)%nat -> Forall (lt 0) (n :: widths rest) -> 0 < eps ->
  exists V, near eps K (Hidden n A b rest) V /\ ~ same_network K (Hidden n A b rest) V
    /\ widths V = n :: widths rest /\ (forall q Rs x, D q K V Rs x = D q K (Hidden n A b rest) Rs x).
Proof.
  intros HK Hn E. inversion Hn as [|? ? Pn Pr]; subst.
  assert (Dec : forall i, ((forall j, (j < K)%nat -> A i j = 0) /\ b i = 0) \/ ~ ((forall j, (j < K)%nat -> A i j = 0) /\ b i = 0)).
  { intros i. destruct (all_or_some K (fun j => A i j = 0) (fun j => Req_em _ _)) as [H|(j & J & H)], (Req_em (b i) 0); [left|right|right|right]; intuition. }
  destruct (all_or_some n _ Dec) as [Z|(i & I & NZ)].
  - (* the first layer is 0: change a weight of the next layer *)
    exists (Hidden n A b (bump (eps / 2) rest)).
    assert (Half : Rabs (eps / 2) < eps) by (rewrite Rabs_right; lra).
    assert (Same : forall a, Rabs (a - a) < eps) by (intros; rewrite Rminus_diag_eq, Rabs_R0 by reflexivity; assumption).
    split; [|split; [|split]].
    + cbn [near entries]. repeat split; auto. destruct rest as [w c|m B c rest]; cbn [bump entries].
      * split; [intros [|j] _; [replace (w O + eps / 2 - w O) with (eps / 2) by ring; assumption | apply Same] | apply Same].
      * split; [reflexivity|]. split; [intros [|i] [|j] _ _; [replace (B O O + eps / 2 - B O O) with (eps / 2) by ring; assumption | apply Same..]|].
        split; [intros; apply Same | apply near_refl; assumption].
    + intros (_ & _ & _ & S). destruct rest as [w c|m B c rest]; cbn [bump entries] in S.
      * destruct S as [S _]. specialize (S O Pn). simpl in S. lra.
      * destruct S as (_ & S & _). inversion Pr; subst. specialize (S O O ltac:(assumption) Pn). simpl in S. lra.
    + cbn [widths]. f_equal. destruct rest; reflexivity.
    + intros q Rs x. cbn [D].
      transitivity (D (next q) n (bump (eps / 2) rest) (tl Rs) (fun _ => 0)).
      * apply D_ext. intros i I. destruct (Z i I) as [ZA Zb].
        rewrite Zb, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite ZA by assumption; ring). rewrite sum_zero, Rplus_0_r. apply relu_id; lra.
      * rewrite bump_D. apply D_ext. intros i I. destruct (Z i I) as [ZA Zb].
        rewrite Zb, (sum_ext _ _ (fun _ => 0)) by (intros; rewrite ZA by assumption; ring). rewrite sum_zero, Rplus_0_r. symmetry. apply relu_id; lra.
  - (* rescale the first two layers *)
    destruct (bounded_network K (Hidden n A b rest)) as (M & PM & BM).
    set (t := eps / (2 * (M + 1))). assert (T : 0 < t) by (apply Rdiv_lt_0_compat; lra).
    assert (TM : t * M < eps).
    { apply Rle_lt_trans with (t * (M + 1)); [apply Rmult_le_compat_l; lra|]. unfold t. replace (eps / (2 * (M + 1)) * (M + 1)) with (eps / 2) by (field; lra). lra. }
    assert (Pos : forall l, 0 < turn t l) by (intros [|[|l]]; unfold turn; try lra; apply Rinv_0_lt_compat; lra).
    exists (rescale (turn t) (Hidden n A b rest)). unfold all_entries in BM. cbn [entries] in BM. destruct BM as (_ & BA & Bb & BR).
    assert (S1 : forall a, Rabs a <= M -> Rabs ((1 + t) * a - a) < eps).
    { intros a Ha. replace ((1 + t) * a - a) with (t * a) by ring. rewrite Rabs_mult, (Rabs_right t) by lra.
      apply Rle_lt_trans with (t * M); [apply Rmult_le_compat_l; lra | assumption]. }
    split; [|split; [|split]].
    + unfold rescale. cbn [near entries rescale_from turn]. split; [reflexivity|]. split; [intros; apply S1, BA; assumption|].
      split; [intros; rewrite Rmult_1_l; apply S1, Bb; assumption|].
      replace (1 * (1 + t)) with (1 + t) by ring. apply (near_rescale_rest eps M t); assumption.
    + unfold rescale. cbn [same_network entries rescale_from turn]. intros (_ & SA & Sb & _). apply NZ. split.
      * intros j J. specialize (SA i j I J). assert (t * A i j = 0) by lra. apply Rmult_integral in H. lra.
      * specialize (Sb i I). assert (t * b i = 0) by lra. apply Rmult_integral in H. lra.
    + apply rescale_widths.
    + intros q Rs x. rewrite rescale_D by assumption.
      assert (P : product (depth (Hidden n A b rest)) (turn t) = 1).
      { unfold depth. cbn [widths length]. set (k := length (widths rest)).
        change (product (S (S k)) (turn t)) with ((1 + t) * (/ (1 + t) * product k (fun i => turn t (S (S i))))).
        assert (O1 : forall k, product k (fun i => turn t (S (S i))) = 1).
        { clear. intros k. unfold turn. induction k; cbn [product]; [reflexivity | rewrite IHk; ring]. }
        rewrite O1. field. lra. }
      rewrite P. ring.
Qed.
