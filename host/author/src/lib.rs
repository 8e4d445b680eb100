//! For authors: make a component of a language's core module, watch and rebuild.
