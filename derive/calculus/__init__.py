"""Index expressions on SymPy: terms, the rule table, normal form, folds, matrix notation."""
