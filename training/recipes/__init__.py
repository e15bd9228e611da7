"""Named recipes, a YAML file each beside this one, and a user's own files."""

from effsearch.training.recipes.named import family_dropout, named_recipe, recipe_names

__all__ = ["family_dropout", "named_recipe", "recipe_names"]
