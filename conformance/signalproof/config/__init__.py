"""What is under test, as the operator says it: options, the target file, and who takes part."""
