(* Statements only, each a definition; the file Proofs.v proves every one of them by name. To read them, read
   Definitions.v first (ten minutes); nothing else is needed. Numbers are those of Helmbold and Long, COLT 2017. *)

From Dropout Require Import Definitions.

Definition constant (q : R) : nat -> R := fun _ => q.

(* ---- Section 1 and 3: invariance ------------------------------------------------------------------------------------- *)

Definition figure_1 : Prop :=
  let W := Hidden 2 (fun _ _ => 1) (fun _ => 0) (Output (fun _ => 1) 0) in
  let P := point (fun i => match i with O => 1 | _ => -1 end) 8 in
  penalty (constant (1/2)) 2 W P = -10.

(* d k is entry k of the diagonal matrix. *)
Definition theorem_4 : Prop := forall q K ns P d a, (forall k, d k <> 0) ->
  dropout_aversion q K ns P a <-> dropout_aversion q K ns (scale_inputs d P) a.

Definition theorem_5_output : Prop := forall q K W Rs c x, (forall l, 0 < c l) ->
  D q K (rescale c W) Rs x = product (depth W) c * D q K W Rs x.

Definition theorem_5 : Prop := forall q K W c P, (forall l, 0 < c l) -> product (depth W) c = 1 ->
  criterion q K (rescale c W) P = criterion q K W P
  /\ risk K (rescale c W) P = risk K W P
  /\ penalty q K (rescale c W) P = penalty q K W P.

(* Hence no minimiser is isolated: arbitrarily near every network with a hidden layer is another one with the same D. *)
Definition theorem_5_not_isolated : Prop := forall K n A b rest eps,
  (0 < K)%nat -> Forall (lt 0) (n :: widths rest) -> 0 < eps ->
  exists V, near eps K (Hidden n A b rest) V /\ ~ same_network K (Hidden n A b rest) V
    /\ widths V = n :: widths rest /\ (forall q Rs x, D q K V Rs x = D q K (Hidden n A b rest) Rs x).

Definition theorem_6 : Prop := forall q K ns P c a, 0 < c ->
  dropout_aversion q K ns P a -> dropout_aversion q K ns (scale_labels c P) (c ^ 2 * a).

(* ---- Section 3: weight decay ----------------------------------------------------------------------------------------- *)

(* One hidden layer of S n units, n arbitrary. *)
Definition theorem_7 : Prop := forall lambda K n x, 0 < lambda -> 0 < sum K (fun j => x j ^ 2) ->
  aversion (L2_criterion lambda K) K [S n] (half x 1) (Rmin (1/4) (lambda ^ 2 / sum K (fun j => x j ^ 2))).

(* ---- Section 4: negative weights on monotone data -------------------------------------------------------------------- *)

(* Stronger than the paper: every K >= 2 and q in (0, 1). First as "beaten", then about minimisers. *)
Definition theorem_8 : Prop := forall q K d, 0 < q < 1 -> (2 <= K)%nat -> (2 <= d)%nat ->
  exists n0, forall n, (n0 <= n)%nat ->
  exists V, widths V = repeat n (d - 1) /\
    forall W, widths W = repeat n (d - 1) -> nonnegative_weights K W ->
    criterion (constant q) K V (half ones 1) < criterion (constant q) K W (half ones 1).

Definition theorem_8_minimisers : Prop := forall q K d, 0 < q < 1 -> (2 <= K)%nat -> (2 <= d)%nat ->
  exists n0, forall n, (n0 <= n)%nat -> forall W,
  minimiser (fun W => criterion (constant q) K W (half ones 1)) (repeat n (d - 1)) W -> ~ nonnegative_weights K W.

(* The gadget: on every 0/1 input that is not 0 the first hidden layer sums to n / K. *)
Definition lemma_9 : Prop := forall K n x, (0 < K)%nat -> (n mod K = 0)%nat ->
  (forall i, (i < K)%nat -> x i = 0 \/ x i = 1) -> (exists i, (i < K)%nat /\ x i = 1) ->
  sum n (gadget K n x) = INR n / INR K.

(* Rates per layer, any widths, any output bias b, the best output weight. At equal rates q and widths n,
   A = (1 + (q/p) K/n) (1 + (q/p)/n)^(d-2) where K divides n. The printed constant has K^2 where K is right. *)
Definition lemma_10 : Prop := forall q K n ns b, rates q -> (0 < K)%nat -> (0 < n / K)%nat -> Forall (lt 0) ns ->
  criterion q K (best_W_neg q K n ns b) (half ones 1)
  = (b ^ 2 + (1 - b) ^ 2 * (1 - (1 - q O ^ K) / A_neg q K n ns)) / 2.

Definition lemma_12 : Prop := forall K W x y, nonnegative_weights K W ->
  value K W x + value K W y <= value K W (fun i => Rmin (x i) (y i)) + value K W (fun i => Rmax (x i) (y i)).

(* For every convex non-decreasing activation. *)
Definition lemma_12_convex : Prop := forall phi K W x y, convex_nondecreasing phi -> nonnegative_weights K W ->
  value_with phi K W x + value_with phi K W y
  <= value_with phi K W (fun i => Rmin (x i) (y i)) + value_with phi K W (fun i => Rmax (x i) (y i)).

(* psi l is the mean of D, over all masks, given that l of the K inputs are kept. *)
Definition lemma_14 : Prop := forall q K W x l, rates q -> nonnegative_weights K W -> nonnegative K x -> (l + 2 <= K)%nat ->
  let psi l := mean_given_kept K l (fun r => E_rest q K W (fun Rs => D q K W (r :: Rs) x)) in
  psi (S l) - psi l <= psi (S (S l)) - psi (S l).

Definition lemma_16 : Prop := forall K W, (18 < K)%nat -> nonnegative_weights K W ->
  1 / (36 * INR K) <= criterion (constant (1/2)) K W (half ones 1).

Definition theorem_17_nonnegative : Prop := forall W, nonnegative_weights 2 W ->
  1/8 <= criterion (constant (1/2)) 2 W (half ones 1).

Definition theorem_17_limit : Prop := forall d eps, (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat ->
  let V := best_W_neg (constant (1/2)) 2 n (repeat n (d - 2)) (1/5) in
  widths V = repeat n (d - 1) /\ 1/10 <= criterion (constant (1/2)) 2 V (half ones 1) <= 1/10 + eps.

Definition theorem_17 : Prop := forall d, (2 <= d)%nat -> exists n0, forall n, (n0 <= n)%nat -> forall W,
  minimiser (fun W => criterion (constant (1/2)) 2 W (half ones 1)) (repeat n (d - 1)) W -> ~ nonnegative_weights 2 W.

(* Section 4.3: one network beats all networks with non-negative weights, of any depth and widths, on every mixture of inputs
   with exactly k ones; with the two bounds for any k; and the constants of the paper, for pairs at q = 1/2. *)
Definition section_4_3 : Prop := forall q K k d, 0 < q < 1 -> (2 <= k)%nat -> (0 < K)%nat -> (2 <= d)%nat ->
  exists n0, forall n, (n0 <= n)%nat ->
  exists V, widths V = repeat n (d - 1) /\
    forall P W, mixture_of_ones K k P -> nonnegative_weights K W ->
    criterion (constant q) K V P < criterion (constant q) K W P.

Definition section_4_3_nonnegative : Prop := forall q K k W P, rates q -> nonnegative_weights K W ->
  mixture_of_ones K k P -> q O / (2 * (INR k * (1 - q O) + 2 * q O)) <= criterion q K W P.

Definition section_4_3_limit : Prop := forall q K k d eps, 0 < q < 1 -> (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat ->
  let V := best_W_neg (constant q) K n (repeat n (d - 2)) (q ^ k / (1 + q ^ k)) in
  widths V = repeat n (d - 1) /\
  forall P, mixture_of_ones K k P ->
  q ^ k / (2 * (1 + q ^ k)) <= criterion (constant q) K V P <= q ^ k / (2 * (1 + q ^ k)) + eps.

Definition section_4_3_pairs : Prop := forall K d eps, (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  (forall W P, mixture_of_ones K 2 P -> nonnegative_weights K W -> 1/8 <= criterion (constant (1/2)) K W P)
  /\ exists n0, forall n, (n0 <= n)%nat -> forall P, mixture_of_ones K 2 P ->
  criterion (constant (1/2)) K (best_W_neg (constant (1/2)) K n (repeat n (d - 2)) (1/5)) P <= 1/10 + eps.

(* ---- Section 5: equal weights, the penalty --------------------------------------------------------------------------- *)

(* K inputs, d - 1 hidden layers of n units, all weights a with a^d K n^(d-1) = y, all biases 0, the point mass on
   (1_K, y). First the exact moments for every q, then (a), (b), (c); r is the d-th root of y. *)
Definition theorem_18 : Prop := forall q K n d a y,
  0 <= q < 1 -> (0 < K)%nat -> (0 < n)%nat -> (0 < d)%nat -> 0 <= a -> a ^ d * (INR K * INR n ^ (d - 1)) = y ->
  let W := equal a (repeat n (d - 1)) in
  risk K W (point ones y) = 0
  /\ mean_D (constant q) K W ones = y
  /\ variance_D (constant q) K W ones = y ^ 2 * ((1 + noise q / INR K) * (1 + noise q / INR n) ^ (d - 1) - 1)
  /\ criterion (constant q) K W (point ones y) = variance_D (constant q) K W ones.

Definition theorem_18_a : Prop := forall K n d a y, (0 < K)%nat -> (0 < n)%nat -> 0 <= a ->
  a ^ d * (INR K * INR n ^ (d - 1)) = y -> y <= INR K * INR n ^ (d - 1) -> (0 < d)%nat -> a <= 1.

Definition theorem_18_b : Prop := forall K n d a y, (0 < K)%nat -> (0 < n)%nat -> (0 < d)%nat -> 0 <= a ->
  a ^ d * (INR K * INR n ^ (d - 1)) = y ->
  y ^ 2 / (INR K + 1) <= criterion (constant (1/2)) K (equal a (repeat n (d - 1))) (point ones y).

Definition theorem_18_c : Prop := forall lambda K n d a y r, 0 <= lambda -> (0 < K)%nat -> (0 < n)%nat -> (2 <= d)%nat ->
  0 <= a -> a ^ d * (INR K * INR n ^ (d - 1)) = y ->
  let W := equal a (repeat n (d - 1)) in
  let weights := INR K * INR n + INR n ^ 2 * INR (d - 2) + INR n in
  L2_criterion lambda K W (point ones y) = lambda / 2 * a ^ 2 * weights
  /\ (0 <= r -> r ^ d = y -> L2_criterion lambda K W (point ones y) <= lambda / 2 * r ^ 2 * weights).

(* A negative penalty needs a negative weight, bias or input. That it can be negative: figure_1. *)
Definition theorem_19 : Prop := forall q K W x y, rates q ->
  penalty q K W (point x y) < 0 -> ~ (nonnegative_weights K W /\ nonnegative_biases W /\ nonnegative K x).

Definition theorem_20 : Prop := forall q y y', 0 < q < 1 -> y <> y' ->
  penalty (constant q) 2 W_20 (point x_20 y) <> penalty (constant q) 2 W_20 (point x_20 y').

Definition theorem_20_formula : Prop := forall q K W x y,
  let delta Rs := D q K W Rs x - value K W x in
  penalty q K W (point x y) = E q K W (fun Rs => delta Rs ^ 2) + 2 * (value K W x - y) * E q K W delta.

(* ---- beyond the paper ------------------------------------------------------------------------------------------------ *)

(* Given the values h of the last hidden layer; any width and several outputs o < m. *)
Definition last_layer : Prop := forall q n m A h b y, q < 1 ->
  expect q n (fun r => sum m (fun o => (sum n (fun i => A o i * drop q r h i) + b o - y o) ^ 2))
  = sum m (fun o => (dot n (A o) h + b o - y o) ^ 2) + noise q * sum n (fun i => h i ^ 2 * sum m (fun o => A o i ^ 2)).

Definition penalty_decomposition : Prop := forall q K W x y,
  penalty q K W (point x y)
  = variance_D q K W x + (mean_D q K W x - value K W x) * (mean_D q K W x + value K W x - 2 * y).

(* Any network at all on P_(1,1); and it is the limit as the width grows, for every depth d >= 2. *)
Definition every_network : Prop := forall q K W, rates q ->
  q O ^ K / (2 * (1 + q O ^ K)) <= criterion q K W (half ones 1).

Definition every_network_limit : Prop := forall q K d eps, 0 < q < 1 -> (0 < K)%nat -> (2 <= d)%nat -> 0 < eps ->
  exists n0, forall n, (n0 <= n)%nat -> exists V, widths V = repeat n (d - 1)
  /\ criterion (constant q) K V (half ones 1) <= q ^ K / (2 * (1 + q ^ K)) + eps.

(* Non-negative weights, biases of any sign, any depth, widths and rates. *)
Definition nonnegative_bound : Prop := forall q K W, rates q -> nonnegative_weights K W ->
  q O / (2 * (INR K * (1 - q O) + 2 * q O)) <= criterion q K W (half ones 1).

(* The same for every convex non-decreasing activation. *)
Definition nonnegative_bound_convex : Prop := forall phi q K W, convex_nondecreasing phi -> rates q ->
  nonnegative_weights K W -> q O / (2 * (INR K * (1 - q O) + 2 * q O)) <= criterion_with phi q K W (half ones 1).

(* Weight decay at every depth d: a difference of two outputs at the distance r needs |W(x) - W(y)| <= r (||W||^2 / d)^(d/2),
   here squared. From y = 0 to x of norm r it is attained, without biases, for every a >= 0 and all widths. *)
Definition minimal_norm : Prop := forall K W x y,
  (value K W x - value K W y) ^ 2 <= (norm2 K W / INR (depth W)) ^ depth W * sum K (fun j => (x j - y j) ^ 2).

Definition minimal_norm_attained : Prop := forall K ns x r a,
  0 < r -> r ^ 2 = sum K (fun j => x j ^ 2) -> 0 <= a -> Forall (lt 0) ns ->
  exists W, widths W = ns /\ zero_biases W /\ norm2 K W = INR (depth W) * a ^ 2
  /\ value K W x - value K W (fun _ => 0) = a ^ depth W * r.

(* E D^2 grows exponentially with the depth for every network without biases and negative weights; growth q [n_0; ...; n_l]
   is the product of 1 + noise (q l) / n_l. *)
Definition growth_with_depth : Prop := forall q K W x, rates q -> (0 < K)%nat -> Forall (lt 0) (widths W) ->
  nonnegative_weights K W -> zero_biases W -> nonnegative K x ->
  growth q (K :: widths W) * value K W x ^ 2 <= E q K W (fun Rs => D q K W Rs x ^ 2).

Definition nonnegative_minimum : Prop := forall q K ns, rates q -> (0 < K)%nat -> Forall (lt 0) ns ->
  let allowed W := widths W = ns /\ nonnegative_weights K W /\ zero_biases W in
  (forall W, allowed W -> 1 - 1 / growth q (K :: ns) <= criterion q K W (point ones 1))
  /\ (exists W, allowed W /\ criterion q K W (point ones 1) = 1 - 1 / growth q (K :: ns)).

(* ---- neighbouring results -------------------------------------------------------------------------------------------- *)

Definition least_squares_penalty : Prop := forall q K w b P, q O < 1 ->
  penalty q K (Output w b) P = noise (q O) * total P (fun e => weight e * sum K (fun j => (w j * input e j) ^ 2)).

(* (X'X + noise Diag(X'X)) w = X'y, row by row, suffices for a minimiser without bias. *)
Definition least_squares_minimiser : Prop := forall q K w P, 0 <= q O < 1 -> (forall e, In e P -> 0 <= weight e) ->
  (forall i, (i < K)%nat -> total P (fun e => weight e *
     (input e i * (dot K w (input e) - label e) + noise (q O) * input e i ^ 2 * w i)) = 0) ->
  forall v, criterion q K (Output w 0) P <= criterion q K (Output v 0) P.

Definition linear_networks : Prop := forall q K W x, rates q ->
  E q K W (fun Rs => linear_D q K W Rs x) = linear_value K W x.

Definition matrix_factorisation : Prop := forall q d m n X U V, q < 1 ->
  expect q d (fun r => sum m (fun i => sum n (fun j => (X i j - sum d (fun k => U i k * V j k * drop q r ones k)) ^ 2)))
  = sum m (fun i => sum n (fun j => (X i j - sum d (fun k => U i k * V j k)) ^ 2))
    + noise q * sum d (fun k => sum m (fun i => U i k ^ 2) * sum n (fun j => V j k ^ 2)).
