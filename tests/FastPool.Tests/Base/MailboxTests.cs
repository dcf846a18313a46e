using FastPool.Base;

namespace FastPool.Tests.Base;

public sealed class MailboxTests
{
    private sealed class Note(int number) : Letter
    {
        public int Number { get; } = number;
    }

    private static List<int> TakeAll(Mailbox mailbox)
    {
        var numbers = new List<int>();
        var letters = mailbox.TakeAll();
        while (letters is not null) numbers.Add(((Note)Mailbox.Pop(ref letters)).Number);
        return numbers;
    }

    [Fact]
    public void Letters_come_out_in_the_order_they_went_in()
    {
        var mailbox = new Mailbox();
        for (var i = 0; i < 5; i++) mailbox.Post(new Note(i));
        Assert.Equal([0, 1, 2, 3, 4], TakeAll(mailbox));
        Assert.True(mailbox.IsEmpty);
        Assert.Null(mailbox.TakeAll());
    }

    [Fact]
    public void A_letter_may_be_posted_again_while_those_behind_it_are_read()
    {
        var mailbox = new Mailbox();
        var first = new Note(1);
        mailbox.Post(first);
        mailbox.Post(new Note(2));
        var letters = mailbox.TakeAll();
        Assert.Same(first, Mailbox.Pop(ref letters));
        mailbox.Post(first);
        Assert.Equal(2, ((Note)Mailbox.Pop(ref letters)).Number);
        Assert.Null(letters);
        Assert.Equal([1], TakeAll(mailbox));
    }

    [Fact]
    public void Only_the_first_sender_wakes_a_sleeper()
    {
        var mailbox = new Mailbox();
        Assert.False(mailbox.Post(new Note(0)));
        TakeAll(mailbox);
        Assert.True(mailbox.TryFallAsleep());
        Assert.True(mailbox.Post(new Note(1)));
        Assert.False(mailbox.Post(new Note(2)));
    }

    [Fact]
    public void Nobody_falls_asleep_over_unread_letters()
    {
        var mailbox = new Mailbox();
        mailbox.Post(new Note(1));
        Assert.False(mailbox.TryFallAsleep());
        Assert.False(mailbox.Post(new Note(2)));
    }

    [Fact]
    public void A_loop_that_woke_by_itself_is_not_woken()
    {
        var mailbox = new Mailbox();
        Assert.True(mailbox.TryFallAsleep());
        mailbox.WakeUp();
        Assert.False(mailbox.Post(new Note(1)));
    }

    [Fact]
    public void Many_senders_lose_no_letter_and_keep_each_its_order()
    {
        const int senders = 4, each = 20_000;
        var mailbox = new Mailbox();
        var threads = Enumerable.Range(0, senders).Select(sender => new Thread(() =>
        {
            for (var i = 0; i < each; i++) mailbox.Post(new Note(sender * each + i));
        })).ToList();
        threads.ForEach(thread => thread.Start());
        var next = new int[senders];
        for (var taken = 0; taken < senders * each;)
        {
            foreach (var number in TakeAll(mailbox))
            {
                Assert.Equal(next[number / each]++, number % each);
                taken++;
            }
        }
        threads.ForEach(thread => thread.Join());
        Assert.True(mailbox.IsEmpty);
    }
}
