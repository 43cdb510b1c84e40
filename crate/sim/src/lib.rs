//! plinth-sim
