//! Money is transferred between accounts: no reader ever sees another sum.

use std::rc::Rc;

use plinth_core::Result;
use plinth_core::words::LocalFuture;

use super::{Client, Workload, number, parsed, set_number};
use crate::executor::Simulation;
use crate::scenario::{Recorded, Stage};

const NAME: &str = "bank";
const ACCOUNTS: u64 = 5;
const BALANCE: u64 = 100;

pub(super) struct Bank;

fn account(index: u64) -> Vec<u8> {
    format!("bank/{index}").into_bytes()
}

async fn transfer(tn: &Recorded, from: u64, to: u64, share: u64) -> Result<()> {
    let available = number(tn, &account(from)).await?;
    let amount = available * share / 100;
    set_number(tn, &account(from), available - amount)?;
    let balance = number(tn, &account(to)).await?;
    set_number(tn, &account(to), balance + amount)
}

async fn sum_of_slow_gets(tn: &Recorded, world: &Simulation) -> Result<u64> {
    let mut sum = 0;
    for index in 0..ACCOUNTS {
        sum += number(tn, &account(index)).await?;
        world.sleep_below(2_000).await;
    }
    Ok(sum)
}

async fn sum_of_range(tn: &Recorded) -> Result<u64> {
    let rows = tn.all_rows(b"bank/", b"bank0").await?;
    rows.iter().map(|(_, value)| parsed(value)).sum()
}

impl Bank {
    async fn look(stage: &Rc<Stage>) {
        let world = stage.world().clone();
        let by_range = world.one_in(2);
        let body = async move |tn: &Recorded| match by_range {
            true => sum_of_range(tn).await,
            false => sum_of_slow_gets(tn, &world).await,
        };
        let (sum, _) = stage.insist(NAME, body).await;
        stage.expect(sum == ACCOUNTS * BALANCE, || {
            format!("the sum of all accounts is {sum}")
        });
    }
}

impl Workload for Bank {
    fn clients(&self) -> u64 {
        3
    }

    fn set_up(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move {
            let fill = async |tn: &Recorded| {
                (0..ACCOUNTS).try_for_each(|index| set_number(tn, &account(index), BALANCE))
            };
            stage.establish(NAME, fill).await;
        })
    }

    fn client(self: Rc<Self>, stage: Rc<Stage>, client: Client) -> LocalFuture<()> {
        Box::pin(async move {
            for _ in 0..client.steps {
                client.pause(&stage).await;
                if stage.world().one_in(3) {
                    Bank::look(&stage).await;
                    continue;
                }
                let [from, to, share] =
                    [ACCOUNTS, ACCOUNTS, 101].map(|limit| stage.world().random_in(0..limit));
                let body = async move |tn: &Recorded| transfer(tn, from, to, share).await;
                stage.insist(NAME, body).await;
            }
        })
    }

    fn check(self: Rc<Self>, stage: Rc<Stage>) -> LocalFuture<()> {
        Box::pin(async move { Bank::look(&stage).await })
    }
}
