"""The float64 strategies: ways to visit, merge or avoid the masks; :mod:`exactdropout.numeric.registry` lists them."""
