//! When a failed transaction may try again, and after how long: FoundationDB's `onError`.
//!
//! Conflicts and overload grow the back-off, jittered from zero; a transaction that is too old or too
//! new waits a fixed time; everything else is not retried.

use crate::words::{Error, ErrorCode, Result};

/// Microseconds of the first back-off.
const INITIAL_BACKOFF_US: u64 = 10_000;
/// The longest back-off of errors that say the database is overloaded.
const RESOURCE_BACKOFF_MAX_US: u64 = 30_000_000;

/// How often and how patiently to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many retries are allowed; `None` for any number.
    pub retry_limit: Option<u64>,
    /// The longest back-off, in microseconds. FoundationDB's default is one second.
    pub retry_delay_max_us: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            retry_limit: None,
            retry_delay_max_us: 1_000_000,
        }
    }
}

/// What a transaction remembers from attempt to attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryState {
    retries: u64,
    backoff_us: u64,
}

impl Default for RetryState {
    fn default() -> Self {
        RetryState {
            retries: 0,
            backoff_us: INITIAL_BACKOFF_US,
        }
    }
}

impl RetryState {
    /// Decides about an error: the microseconds to wait before the next attempt. `random` is 64
    /// random bits.
    ///
    /// # Errors
    /// The error itself when it can't be retried or the limit is used up; `client_invalid_operation`
    /// for success.
    pub fn on_error(&mut self, error: &Error, policy: &RetryPolicy, random: u64) -> Result<u64> {
        use ErrorCode::*;
        let retries = self.retries;
        self.retries += 1;
        if policy.retry_limit.is_some_and(|limit| retries >= limit) {
            return Err(error.clone());
        }
        match error.code() {
            Success => Err(Error::new(
                ClientInvalidOperation,
                "onError expects the code of a failure, found success",
            )),
            TransactionTooOld | FutureVersion => Ok(INITIAL_BACKOFF_US.min(policy.retry_delay_max_us)),
            code if code.is_retryable() => {
                let backoff_us = self.backoff_us;
                let is_overload = matches!(
                    code,
                    CommitProxyMemoryLimitExceeded
                        | GrvProxyMemoryLimitExceeded
                        | TransactionThrottledHotShard
                        | TransactionRejectedRangeLocked
                );
                let backoff_max_us = if is_overload {
                    RESOURCE_BACKOFF_MAX_US
                } else {
                    policy.retry_delay_max_us
                };
                self.backoff_us = (backoff_us * 2).min(backoff_max_us);
                Ok(scale(backoff_us, random))
            }
            _ => Err(error.clone()),
        }
    }
}

impl RetryState {
    /// The same with the back-off that `earlier` had: for a retry that waits for something else.
    #[must_use]
    pub fn with_backoff_of(self, earlier: RetryState) -> RetryState {
        RetryState {
            backoff_us: earlier.backoff_us,
            ..self
        }
    }
}

/// A uniform draw from `0..limit`.
fn scale(limit: u64, random: u64) -> u64 {
    ((u128::from(limit) * u128::from(random)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: u64 = 1 << 63;

    fn delays(code: ErrorCode, policy: &RetryPolicy, count: usize) -> Vec<u64> {
        let mut state = RetryState::default();
        (0..count)
            .map(|_| state.on_error(&code.into(), policy, HALF).unwrap())
            .collect()
    }

    #[test]
    fn conflicts_back_off_from_10_ms_doubling_up_to_the_maximum_with_jitter_from_zero() {
        let policy = RetryPolicy::default();
        let doubled = [
            5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 500_000, 500_000,
        ];
        assert_eq!(delays(ErrorCode::NotCommitted, &policy, 9), doubled);
        assert_eq!(
            RetryState::default().on_error(&ErrorCode::NotCommitted.into(), &policy, 0),
            Ok(0)
        );
    }

    #[test]
    fn overload_backs_off_up_to_30_seconds() {
        let last = delays(
            ErrorCode::CommitProxyMemoryLimitExceeded,
            &RetryPolicy::default(),
            20,
        );
        assert_eq!(last.last(), Some(&15_000_000));
    }

    #[test]
    fn too_old_waits_10_ms_without_jitter_and_without_growing() {
        let policy = RetryPolicy::default();
        assert_eq!(delays(ErrorCode::TransactionTooOld, &policy, 3), [10_000; 3]);
        let impatient = RetryPolicy {
            retry_delay_max_us: 3_000,
            ..policy
        };
        assert_eq!(delays(ErrorCode::FutureVersion, &impatient, 1), [3_000]);
    }

    #[test]
    fn a_limit_of_n_allows_n_retries_and_then_gives_the_error_passed() {
        let policy = RetryPolicy {
            retry_limit: Some(2),
            ..RetryPolicy::default()
        };
        let mut state = RetryState::default();
        let conflict = Error::from(ErrorCode::NotCommitted);
        assert!(state.on_error(&conflict, &policy, 0).is_ok());
        assert!(state.on_error(&conflict, &policy, 0).is_ok());
        assert_eq!(state.on_error(&conflict, &policy, 0), Err(conflict));
    }

    #[test]
    fn what_is_not_retryable_comes_back_as_it_is_and_success_is_no_error_to_retry() {
        let policy = RetryPolicy::default();
        for code in [
            ErrorCode::KeyTooLarge,
            ErrorCode::TransactionCancelled,
            ErrorCode::IoError,
        ] {
            let error = Error::from(code);
            assert_eq!(RetryState::default().on_error(&error, &policy, 0), Err(error));
        }
        let refused = RetryState::default()
            .on_error(&ErrorCode::Success.into(), &policy, 0)
            .unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ClientInvalidOperation);
    }
}
