(* Networks, dropout and the dropout criterion, after Helmbold and Long (2017), Section 2. *)

Require Export Reals List Arith.
Export ListNotations.
Close Scope nat_scope.
Open Scope R_scope.

(* ---- networks ------------------------------------------------------------------------------------------------ *)

Definition relu (t : R) : R := Rmax 0 t.

(* sum n f = f 0 + ... + f (n - 1); product likewise. *)
Fixpoint sum (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S m => f O + sum m (fun i => f (S i)) end.

Fixpoint product (n : nat) (f : nat -> R) : R :=
  match n with O => 1 | S m => f O * product m (fun i => f (S i)) end.

(* Relu layers, ended by one linear output. A i j is the weight from input j to unit i of the layer; only the entries
   within the widths matter. The number of inputs K is always given beside the network. *)
Inductive network : Type :=
  | Output (w : nat -> R) (b : R)
  | Hidden (n : nat) (A : nat -> nat -> R) (b : nat -> R) (rest : network).

Fixpoint widths (W : network) : list nat :=
  match W with Output _ _ => [] | Hidden n _ _ rest => n :: widths rest end.

(* W(x): the output without dropout. *)
Fixpoint value (K : nat) (W : network) (x : nat -> R) : R :=
  match W with
  | Output w b => sum K (fun j => w j * x j) + b
  | Hidden n A b rest => value n rest (fun i => relu (sum K (fun j => A i j * x j) + b i))
  end.

(* ---- dropout ------------------------------------------------------------------------------------------------- *)

Notation mask := (list bool) (only parsing).        (* true: kept *)
Notation pattern := (list (list bool)) (only parsing).     (* the inputs, then one mask for each hidden layer *)

(* A kept value is divided by the keep probability 1 - q. *)
Definition drop (q : R) (r : mask) (x : nat -> R) (i : nat) : R := if nth i r false then x i / (1 - q) else 0.

Definition next {T} (q : nat -> T) : nat -> T := fun l => q (S l).

(* D(W, x, R). q l is the drop probability of layer l, the inputs being layer 0. *)
Fixpoint D (q : nat -> R) (K : nat) (W : network) (Rs : pattern) (x : nat -> R) : R :=
  let x' := drop (q O) (hd [] Rs) x in
  match W with
  | Output w b => sum K (fun j => w j * x' j) + b
  | Hidden n A b rest => D (next q) n rest (tl Rs) (fun i => relu (sum K (fun j => A i j * x' j) + b i))
  end.

Fixpoint masks (n : nat) : list mask :=
  match n with O => [[]] | S m => map (cons true) (masks m) ++ map (cons false) (masks m) end.

Fixpoint patterns (ns : list nat) : list pattern :=
  match ns with [] => [[]] | n :: ns' => flat_map (fun r => map (cons r) (patterns ns')) (masks n) end.

Fixpoint chance_mask (q : R) (r : mask) : R :=
  match r with [] => 1 | kept :: r' => (if kept then 1 - q else q) * chance_mask q r' end.

Fixpoint chance (q : nat -> R) (Rs : pattern) : R :=
  match Rs with [] => 1 | r :: Rs' => chance_mask (q O) r * chance (next q) Rs' end.

Definition total {T} (l : list T) (f : T -> R) : R := fold_right (fun a s => f a + s) 0 l.

(* E F(R) over all dropout patterns of a network on K inputs: a finite weighted sum. *)
Definition E (q : nat -> R) (K : nat) (W : network) (F : pattern -> R) : R :=
  total (patterns (K :: widths W)) (fun Rs => chance q Rs * F Rs).

(* ---- criteria ------------------------------------------------------------------------------------------------ *)

Record example := Example { weight : R; input : nat -> R; label : R }.
Notation distribution := (list example) (only parsing).

(* J_D, R_P and their difference. *)
Definition criterion q K W (P : distribution) : R :=
  total P (fun e => weight e * E q K W (fun Rs => (D q K W Rs (input e) - label e) ^ 2)).

Definition risk K W (P : distribution) : R :=
  total P (fun e => weight e * (value K W (input e) - label e) ^ 2).

Definition penalty q K W P : R := criterion q K W P - risk K W P.

(* ||W||^2 over the weights; biases are free. J_2. *)
Fixpoint norm2 (K : nat) (W : network) : R :=
  match W with
  | Output w _ => sum K (fun j => w j ^ 2)
  | Hidden n A _ rest => sum n (fun i => sum K (fun j => A i j ^ 2)) + norm2 n rest
  end.

Definition L2_criterion lambda K W P : R := risk K W P + lambda / 2 * norm2 K W.

(* Definition 1, and the point mass of Appendix A. *)
Definition half (x : nat -> R) (y : R) : distribution := [Example (1/2) x y; Example (1/2) (fun _ => 0) 0].
Definition point (x : nat -> R) (y : R) : distribution := [Example 1 x y].
Definition ones : nat -> R := fun _ => 1.

(* ---- Definition 2 -------------------------------------------------------------------------------------------- *)

(* J is a functional of networks; ns are the hidden widths. *)
Definition minimiser (J : network -> R) (ns : list nat) (W : network) : Prop :=
  widths W = ns /\ forall V, widths V = ns -> J W <= J V.

Definition infimum (J : network -> R) (ns : list nat) (m : R) : Prop :=
  (forall V, widths V = ns -> m <= J V) /\ (forall m', (forall V, widths V = ns -> m' <= J V) -> m' <= m).

(* a is the aversion: the largest risk of a minimiser of J, above the least risk. *)
Definition aversion (J : network -> distribution -> R) K ns (P : distribution) (a : R) : Prop :=
  exists m, infimum (fun W => risk K W P) ns m
    /\ (exists W, minimiser (fun W => J W P) ns W /\ risk K W P - m = a)
    /\ (forall W, minimiser (fun W => J W P) ns W -> risk K W P - m <= a).

Definition dropout_aversion q K := aversion (criterion q K) K.

(* ---- signs --------------------------------------------------------------------------------------------------- *)

Fixpoint nonnegative_weights (K : nat) (W : network) : Prop :=
  match W with
  | Output w _ => forall j, (j < K)%nat -> 0 <= w j
  | Hidden n A _ rest => (forall i j, (i < n)%nat -> (j < K)%nat -> 0 <= A i j) /\ nonnegative_weights n rest
  end.

Fixpoint nonnegative_biases (W : network) : Prop :=
  match W with
  | Output _ b => 0 <= b
  | Hidden n _ b rest => (forall i, (i < n)%nat -> 0 <= b i) /\ nonnegative_biases rest
  end.

Definition rates (q : nat -> R) : Prop := forall l, 0 <= q l < 1.

(* ---- moments of the output, and one mask ----------------------------------------------------------------------------- *)

Definition dot (n : nat) (f g : nat -> R) : R := sum n (fun i => f i * g i).

Definition mean_D q K W x : R := E q K W (fun Rs => D q K W Rs x).

Definition variance_D q K W x : R := E q K W (fun Rs => (D q K W Rs x - mean_D q K W x) ^ 2).

Definition nonnegative (K : nat) (x : nat -> R) : Prop := forall i, (i < K)%nat -> 0 <= x i.

Definition expect (q : R) (n : nat) (F : mask -> R) : R := total (masks n) (fun r => chance_mask q r * F r).

(* E with the first mask taken out. *)
Definition E_rest (q : nat -> R) (K : nat) (W : network) (F : pattern -> R) : R :=
  match W with Output _ _ => F [] | Hidden n _ _ rest => E (next q) n rest F end.

Definition noise (q : R) : R := q / (1 - q).

Fixpoint zero_biases (W : network) : Prop :=
  match W with Output _ b => b = 0 | Hidden n _ b rest => (forall i, (i < n)%nat -> b i = 0) /\ zero_biases rest end.

Fixpoint kept (r : mask) : nat := match r with [] => O | k :: r' => ((if k then 1 else 0) + kept r')%nat end.

Definition level_masks (n l : nat) : list mask := filter (fun r => Nat.eqb (kept r) l) (masks n).

(* The mean of F over the masks that keep l of n. *)
Definition mean_given_kept (n l : nat) (F : mask -> R) : R := total (level_masks n l) F / INR (length (level_masks n l)).

(* Networks of linear units: value and D without relu. *)
Fixpoint linear_value (K : nat) (W : network) (x : nat -> R) : R :=
  match W with
  | Output w b => sum K (fun j => w j * x j) + b
  | Hidden n A b rest => linear_value n rest (fun i => sum K (fun j => A i j * x j) + b i)
  end.

Fixpoint linear_D (q : nat -> R) (K : nat) (W : network) (Rs : pattern) (x : nat -> R) : R :=
  let x' := drop (q O) (hd [] Rs) x in
  match W with
  | Output w b => sum K (fun j => w j * x' j) + b
  | Hidden n A b rest => linear_D (next q) n rest (tl Rs) (fun i => sum K (fun j => A i j * x' j) + b i)
  end.

(* ---- maps of networks and of data ------------------------------------------------------------------------------------ *)

(* Weights of layer l times c l, biases times C * c 0 * ... * c l; the theorem takes C = 1. *)
Fixpoint rescale_from (C : R) (c : nat -> R) (W : network) : network :=
  match W with
  | Output w b => Output (fun j => c O * w j) (C * c O * b)
  | Hidden n A b rest =>
      Hidden n (fun i j => c O * A i j) (fun i => C * c O * b i) (rescale_from (C * c O) (next c) rest)
  end.

Definition rescale := rescale_from 1.

Definition depth (W : network) : nat := S (length (widths W)).

Definition scale_labels (c : R) (P : distribution) : distribution :=
  map (fun e => Example (weight e) (input e) (c * label e)) P.

Definition scale_inputs (d : nat -> R) (P : distribution) : distribution :=
  map (fun e => Example (weight e) (fun k => d k * input e k) (label e)) P.

Fixpoint scale_output (c : R) (W : network) : network :=
  match W with
  | Output w b => Output (fun j => c * w j) (c * b)
  | Hidden n A b rest => Hidden n A b (scale_output c rest)
  end.

(* A relation between all weights and biases of two networks of the same widths. *)
Fixpoint entries (rel : R -> R -> Prop) (K : nat) (W V : network) : Prop :=
  match W, V with
  | Output w b, Output w' b' => (forall j, (j < K)%nat -> rel (w j) (w' j)) /\ rel b b'
  | Hidden n A b W', Hidden n' A' b' V' =>
      n = n' /\ (forall i j, (i < n)%nat -> (j < K)%nat -> rel (A i j) (A' i j)) /\ (forall i, (i < n)%nat -> rel (b i) (b' i))
      /\ entries rel n W' V'
  | _, _ => False
  end.

Definition near (eps : R) := entries (fun a b => Rabs (b - a) < eps).

Definition same_network := entries (@eq R).

(* ---- the networks of the theorems ------------------------------------------------------------------------------------ *)

Fixpoint equal (a : R) (ns : list nat) : network :=
  match ns with [] => Output (fun _ => a) 0 | n :: ns' => Hidden n (fun _ _ => a) (fun _ => 0) (equal a ns') end.

Fixpoint size (ns : list nat) : R := match ns with [] => 1 | n :: ns' => INR n * size ns' end.

Fixpoint growth (q : nat -> R) (ns : list nat) : R :=
  match ns with [] => 1 | n :: ns' => (1 + noise (q O) / INR n) * growth (next q) ns' end.

(* Unit i looks for the first one at input i mod K: +1 there, -1 before. n / K copies; left-over units are 0. *)
Definition first_one (K n i j : nat) : R :=
  if (i <? n / K * K)%nat then if (j <? i mod K)%nat then -1 else if (j =? i mod K)%nat then 1 else 0 else 0.

Definition gadget (K n : nat) (x : nat -> R) (i : nat) : R := relu (sum K (fun j => first_one K n i j * x j) + 0).

Fixpoint add_bias (b : R) (W : network) : network :=
  match W with Output w b' => Output w (b' + b) | Hidden n A b' rest => Hidden n A b' (add_bias b rest) end.

(* W_neg: the gadget, then weights 1, output weights c and output bias b. *)
Definition W_neg (K n : nat) (ns : list nat) (c b : R) : network :=
  Hidden n (first_one K n) (fun _ => 0) (add_bias b (scale_output c (equal 1 ns))).

(* A of the text: at equal rates q and widths n, A = (1 + noise / (n / K)) (1 + noise / n)^(d-2). *)
Definition A_neg q K n ns : R := (1 + noise (q 1%nat) / INR (n / K)) * growth (next (next q)) ns.

(* The same with the best output weight for a given output bias b. *)
Definition best_W_neg q K n ns b : network :=
  W_neg K n ns ((1 - b) / (size ns * (INR (n / K) / (1 - q O)) * A_neg q K n ns)) b.

(* Theorem 20: x = (1, -2), one hidden unit, all weights 1. *)
Definition x_20 (i : nat) : R := match i with O => 1 | _ => -2 end.

Definition W_20 : network := Hidden 1 (fun _ _ => 1) (fun _ => 0) (Output (fun _ => 1) 0).

(* ---- other activations: phi in place of relu ----------------------------------------------------------------------- *)

Fixpoint value_with (phi : R -> R) (K : nat) (W : network) (x : nat -> R) : R :=
  match W with
  | Output w b => sum K (fun j => w j * x j) + b
  | Hidden n A b rest => value_with phi n rest (fun i => phi (sum K (fun j => A i j * x j) + b i))
  end.

Fixpoint D_with (phi : R -> R) (q : nat -> R) (K : nat) (W : network) (Rs : pattern) (x : nat -> R) : R :=
  let x' := drop (q O) (hd [] Rs) x in
  match W with
  | Output w b => sum K (fun j => w j * x' j) + b
  | Hidden n A b rest => D_with phi (next q) n rest (tl Rs) (fun i => phi (sum K (fun j => A i j * x' j) + b i))
  end.

Definition criterion_with phi q K W (P : distribution) : R :=
  total P (fun e => weight e * E q K W (fun Rs => (D_with phi q K W Rs (input e) - label e) ^ 2)).

Definition convex_nondecreasing (phi : R -> R) : Prop :=
  (forall s t, s <= t -> phi s <= phi t)
  /\ (forall a s t, 0 <= a <= 1 -> phi (a * s + (1 - a) * t) <= a * phi s + (1 - a) * phi t).

(* ---- mixtures of inputs -------------------------------------------------------------------------------------------- *)

(* Section 4.3: half the mass on (0, 0), the other half on 0/1 inputs with exactly k ones and label 1, in any mixture. *)
Definition mixture_of_ones (K k : nat) (P : distribution) : Prop := exists l,
  P = Example (1/2) (fun _ => 0) 0 :: l /\ total l weight = 1/2
  /\ forall e, In e l -> 0 <= weight e /\ label e = 1
       /\ (forall i, (i < K)%nat -> input e i = 0 \/ input e i = 1) /\ sum K (input e) = INR k.
