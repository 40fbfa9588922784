(* Every statement of Statements.v, proved by name. *)

From Dropout Require Import Definitions Expectations.
From Dropout Require Figure_1 Theorem_5 Theorems_4_and_6 Theorem_7 Last_layer Neighbours Every_network Nonnegative_weights
  Lemma_14 Theorem_18 First_one Not_isolated Every_network_limit Theorem_17 Section_4_3 Minimal_norm Statements.

Theorem figure_1 : Statements.figure_1. Proof. exact Figure_1.figure_1_paper. Qed.
Theorem theorem_4 : Statements.theorem_4. Proof. exact Theorems_4_and_6.theorem_4. Qed.
Theorem theorem_5_output : Statements.theorem_5_output. Proof. exact Theorem_5.rescale_D. Qed.
Theorem theorem_5 : Statements.theorem_5. Proof. exact Theorem_5.theorem_5. Qed.
Theorem theorem_5_not_isolated : Statements.theorem_5_not_isolated. Proof. exact Not_isolated.not_isolated. Qed.
Theorem theorem_6 : Statements.theorem_6. Proof. exact Theorems_4_and_6.theorem_6. Qed.
Theorem theorem_7 : Statements.theorem_7. Proof. exact Theorem_7.theorem_7. Qed.
Theorem theorem_8 : Statements.theorem_8. Proof. exact First_one.theorem_8. Qed.
Theorem theorem_8_minimisers : Statements.theorem_8_minimisers. Proof. exact First_one.theorem_8_minimisers. Qed.
Theorem lemma_9 : Statements.lemma_9. Proof. exact First_one.lemma_10_gadget. Qed.
Theorem lemma_10 : Statements.lemma_10. Proof. exact First_one.lemma_10. Qed.
Theorem lemma_12 : Statements.lemma_12. Proof. exact Nonnegative_weights.lemma_12. Qed.
Theorem lemma_12_convex : Statements.lemma_12_convex. Proof. exact Nonnegative_weights.lemma_12_convex. Qed.
Theorem lemma_14 : Statements.lemma_14. Proof. exact Lemma_14.lemma_14. Qed.
Theorem lemma_16 : Statements.lemma_16. Proof. exact Nonnegative_weights.lemma_16. Qed.
Theorem theorem_17_nonnegative : Statements.theorem_17_nonnegative. Proof. exact Theorem_17.theorem_17_nonnegative. Qed.
Theorem theorem_17_limit : Statements.theorem_17_limit. Proof. exact Theorem_17.theorem_17_limit. Qed.
Theorem theorem_17 : Statements.theorem_17. Proof. exact Theorem_17.theorem_17. Qed.
Theorem section_4_3 : Statements.section_4_3. Proof. exact Section_4_3.section_4_3. Qed.
Theorem section_4_3_nonnegative : Statements.section_4_3_nonnegative. Proof. exact Section_4_3.section_4_3_nonnegative. Qed.
Theorem section_4_3_limit : Statements.section_4_3_limit. Proof. exact Section_4_3.section_4_3_limit. Qed.
Theorem section_4_3_pairs : Statements.section_4_3_pairs. Proof. exact Section_4_3.section_4_3_pairs. Qed.
Theorem theorem_18 : Statements.theorem_18. Proof. exact Theorem_18.theorem_18. Qed.
Theorem theorem_18_a : Statements.theorem_18_a. Proof. exact Theorem_18.theorem_18_a. Qed.
Theorem theorem_18_b : Statements.theorem_18_b. Proof. exact Theorem_18.theorem_18_b. Qed.
Theorem theorem_18_c : Statements.theorem_18_c. Proof. exact Theorem_18.theorem_18_c. Qed.
Theorem theorem_19 : Statements.theorem_19.
Proof. intros q K W x y Q N (A & B & C). pose proof (Last_layer.theorem_19_nonnegative q K W x y Q A B C). lra. Qed.
Theorem theorem_20 : Statements.theorem_20. Proof. exact Last_layer.theorem_20. Qed.
Theorem theorem_20_formula : Statements.theorem_20_formula. Proof. exact Last_layer.theorem_20_formula. Qed.
Theorem last_layer : Statements.last_layer. Proof. exact Neighbours.last_layer_outputs. Qed.
Theorem penalty_decomposition : Statements.penalty_decomposition. Proof. exact Last_layer.penalty_decomposition. Qed.
Theorem every_network : Statements.every_network. Proof. exact Every_network.universal_bound. Qed.
Theorem every_network_limit : Statements.every_network_limit. Proof. exact Every_network_limit.universal_bound_sharp. Qed.
Theorem nonnegative_bound : Statements.nonnegative_bound. Proof. exact Nonnegative_weights.nonnegative_bound. Qed.
Theorem nonnegative_bound_convex : Statements.nonnegative_bound_convex.
Proof. exact Nonnegative_weights.nonnegative_bound_convex. Qed.
Theorem minimal_norm : Statements.minimal_norm. Proof. exact Minimal_norm.minimal_norm. Qed.
Theorem minimal_norm_attained : Statements.minimal_norm_attained. Proof. exact Minimal_norm.minimal_norm_attained. Qed.
Theorem growth_with_depth : Statements.growth_with_depth. Proof. exact Theorem_18.growth_bound. Qed.
Theorem nonnegative_minimum : Statements.nonnegative_minimum. Proof. exact Theorem_18.nonnegative_minimum. Qed.
Theorem least_squares_penalty : Statements.least_squares_penalty. Proof. exact Neighbours.least_squares_penalty. Qed.
Theorem least_squares_minimiser : Statements.least_squares_minimiser. Proof. exact Neighbours.least_squares_minimiser. Qed.
Theorem linear_networks : Statements.linear_networks. Proof. exact Neighbours.linear_networks. Qed.
Theorem matrix_factorisation : Statements.matrix_factorisation. Proof. exact Neighbours.matrix_factorisation. Qed.
