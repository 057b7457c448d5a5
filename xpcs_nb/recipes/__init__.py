"""Recipes: parameterised notebooks that process one dataset."""

from xpcs_nb.recipes._run import recipe_path, run_recipe

__all__ = ["recipe_path", "run_recipe"]
