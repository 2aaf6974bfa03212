// alice offers bob a session, bob answers, and they exchange ICE candidates:  node call.js http://127.0.0.1:8000
import createClient from "openapi-fetch";
import { io, type Socket } from "socket.io-client";
import type { paths } from "./api.js";
import type {
  AnswerDescription, ClientAcks, ClientEvents, IceCandidateEvent, IceCandidateInit, OfferDescription,
  RecieverAnswerEvent, SenderOfferEvent, ServerEvents,
} from "./vcsp.js";

type Incoming = { [E in keyof ServerEvents]: (payload: ServerEvents[E]) => void };
type Outgoing = { [E in keyof ClientEvents]: (payload: ClientEvents[E], ack: (reply?: ClientAcks[E]) => void) => void };
type Connection = Socket<Incoming, Outgoing>;
interface Reply { status?: number; message?: string }

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8000";
const api = createClient<paths>({ baseUrl });
setTimeout(() => { throw new Error("The call did not succeed within 60 s."); }, 60_000).unref();

// A reply is a refusal if its status is not 0, also with HTTP status 200.
function accepted<R extends Reply>({ data, error }: { data?: R; error?: unknown }): R {
  if (data === undefined || data.status) throw new Error(`refused: ${JSON.stringify(data ?? error)}`);
  return data;
}

async function enter(login: string): Promise<Connection> {
  const { data: discovery } = await api.GET("/.well-known/vcsp"); // a server may lack this document
  const url = new URL(discovery?.socket_url ?? baseUrl);
  const path = `${url.pathname.replace(/\/$/, "")}/socket.io/`;
  const connection: Connection = io(url.origin, { path, transports: ["websocket"], forceNew: true });
  await new Promise<void>((resolve) => connection.once("connect", resolve));
  const ack = await connection.emitWithAck("login", { login });
  accepted({ data: ack ?? {} }); // an acknowledgement without a payload accepts
  return connection;
}

const [alice, bob] = await Promise.all([enter("alice"), enter("bob")]);

// In a browser this is `await peer.createOffer()`. It travels as JSON text.
const offer: OfferDescription = { type: "offer", sdp: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" };
const rings = new Promise<SenderOfferEvent>((hear) => bob.once("sender_offer", hear));
accepted(await api.POST("/offer", {
  body: { sid: alice.id ?? "", type: "sender", reciever_login: "bob", offer: JSON.stringify(offer) },
}));
const { sender_login, sender_offer, offer_id } = await rings;
console.log(`bob hears the offer of ${sender_login}, ${sender_offer.length} characters`);

const answer: AnswerDescription = { type: "answer", sdp: offer.sdp };
const picksUp = new Promise<RecieverAnswerEvent>((hear) => alice.once("reciever_answer", hear));
accepted(await api.POST("/offer", {
  body: { sid: bob.id ?? "", type: "reciever", sender_login, offer_id, answer: JSON.stringify(answer) },
}));
const { reciever_answer } = await picksUp;
console.log(`alice hears the answer, ${reciever_answer.length} characters`);

const candidate: IceCandidateInit = { candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 };
for (const [from, to, login] of [[alice, bob, "bob"], [bob, alice, "alice"]] as const) {
  for (const ice of [candidate, null]) { // null is the end of candidates
    const trickles = new Promise<IceCandidateEvent>((hear) => to.once("ice_candidate", hear));
    accepted(await api.POST("/ice", { body: { sid: from.id ?? "", login, ice: JSON.stringify(ice) } }));
    console.log(`${login} hears the candidate ${(await trickles).ice}`);
  }
}

const exact = sender_offer === JSON.stringify(offer) && reciever_answer === JSON.stringify(answer);
console.log(exact ? "the call succeeded" : "the server changed a description");
process.exitCode = exact ? 0 : 1;
alice.disconnect();
bob.disconnect();
