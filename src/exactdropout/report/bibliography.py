"""The sources of the catalogue as a report lists them; a test compares them with ``docs/bibliography.md``."""

from __future__ import annotations

__all__ = ["SOURCES"]

SOURCES: dict[str, str] = {
    "helmbold2017": (
        "D. P. Helmbold and P. M. Long, Surprising properties of dropout in deep networks, Proceedings of the"
        " 30th Conference on Learning Theory (COLT), Proceedings of Machine Learning Research 65:1123–1146, "
        "2017. The numbering of theorems follows this version. (Read.)"
    ),
    "srivastava2014": (
        "N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, Dropout: a simple way to "
        "prevent neural networks from overfitting, Journal of Machine Learning Research 15:1929–1958, 2014. "
        "(Not read.)"
    ),
    "baldi2013": (
        "P. Baldi and P. Sadowski, Understanding dropout, Advances in Neural Information Processing Systems "
        "26, 2013. (Not read.)"
    ),
    "wager2013": (
        "S. Wager, S. Wang, P. Liang, Dropout training as adaptive regularization, Advances in Neural "
        "Information Processing Systems 26, 2013. (Not read.)"
    ),
    "wang2013": (
        "S. Wang and C. Manning, Fast dropout training, Proceedings of the 30th International Conference on "
        "Machine Learning, 2013. (Not read.)"
    ),
    "helmbold2015": (
        "D. P. Helmbold and P. M. Long, On the inductive bias of dropout, Journal of Machine Learning "
        "Research 16:3403–3454, 2015. (Not read.)"
    ),
    "cavazza2018": (
        "J. Cavazza, P. Morerio, B. Haeffele, C. Lane, V. Murino, R. Vidal, Dropout as a low-rank regularizer"
        " for matrix factorization, AISTATS 2018; arXiv 1710.05092. (Abstract read.)"
    ),
    "mianjy2018": "P. Mianjy, R. Arora, R. Vidal, On the implicit bias of dropout, ICML 2018. (Not read.)",
    "mianjy2019": "P. Mianjy and R. Arora, On dropout and nuclear norm regularization, ICML 2019. (Not read.)",
    "wei2020": (
        "C. Wei, S. Kakade, T. Ma, The implicit and explicit regularization effects of dropout, ICML 2020. (Not read.)"
    ),
    "arora2021": (
        "R. Arora, P. Bartlett, P. Mianjy, N. Srebro, Dropout: explicit forms and capacity control, ICML "
        "2021. (Not read.)"
    ),
    "vandermaaten2013": (
        "L. van der Maaten, M. Chen, S. Tyree, K. Weinberger, Learning with marginalized corrupted features, "
        "Proceedings of the 30th International Conference on Machine Learning, 2013. (Not read.)"
    ),
    "clara2023": (
        "G. Clara, S. Langer, J. Schmidt-Hieber, Dropout regularization versus ℓ2-penalization in the linear "
        "model, arXiv, 2023. (Abstract read.)"
    ),
    "exactdropout2026": "Results derived for this project and proved by it; see exactdropout verify --steps.",
}
