//! Attributes of the windlass SDK.
