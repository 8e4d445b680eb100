//! Relations, predicates and selections, one change at a time.
