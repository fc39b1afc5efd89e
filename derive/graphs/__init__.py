"""A definition as data: inputs and nodes in order of evaluation, and the trees that their author wrote."""
