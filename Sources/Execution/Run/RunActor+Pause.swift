// How a run rests while somebody has paused it, and how it goes on.

internal import PulserIR
internal import StateMachines
internal import Store

extension RunActor {
    /// Nothing of the run is under way: others see it waiting, and for whom.
    func rest() async throws(StoreError) {
        let person = self.lastPause?.by ?? "somebody"
        let event = self.tell(.runPaused, data: .object(["by": .string(person)]))
        self.isRunning = false
        let transition = self.transition(
            .waiting,
            waitReason: "paused by \(person); opsroom runs resume \(self.id) has it go on",
            nextAttempt: self.machine.phase == .pausing ? .asStored : nil
        )
        try await self.submit([.transition(transition), event])
    }

    /// Goes on where it stopped; services of a run that was taken over at rest are started now.
    func goOn() async throws(StoreError) {
        if self.holdsServices { await self.restartServices() }
        self.holdsServices = false
        let isRetrying = self.machine.phase == .pausing
        self.isRunning = !isRetrying
        let transition = self.transition(
            isRetrying ? .waiting : .running,
            waitReason: isRetrying ? "its next attempt begins soon" : nil,
            nextAttempt: isRetrying ? .asStored : nil
        )
        try await self.submit([.transition(transition), self.tell(.runUnpaused)])
    }
}
