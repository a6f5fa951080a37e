// How owners of lanes hear of what was stored: by courier, else by a notice.

extension Store {
    /// Has the owner of a lane look at something that is stored.
    ///
    /// - Parameter news: What happened. Never in the transaction that stores it: nobody may hear of
    ///   what is not committed.
    public func tell(_ news: LaneNews) async {
        if let courier = self.news.courier, await courier.tell(news) { return }
        switch news {
        case .work(let lane): await self.notify(.work, String(lane))
        // Every node looks for what is due next, once a second.
        case .due: break
        case .request(_, let run): await self.notify(.request, String(run))
        case .settings(let lane): await self.notify(.lanes, String(lane))
        }
    }

    /// Has every node look at what is asked of its runs.
    ///
    /// - Parameter session: The session that most of them belong to; `nil` for runs of many.
    func tellAll(session: String?) async {
        // The notice reaches lanes that are not in anybody's memory, too.
        await self.notify(.request, "")
        if let session, let courier = self.news.courier { await courier.tell(session: session) }
    }
}
