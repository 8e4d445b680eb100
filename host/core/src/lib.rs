//! Every decision of the host and no I/O: cache, interest, queue, dispatch, grant.
