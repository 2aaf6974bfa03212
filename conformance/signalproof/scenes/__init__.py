"""Random scenes: users who do anything in any order, held against a model of the contract."""
