//! REFER through LiveKit's SIP service. livekit-sip cannot be had here: the service is played by a responder that speaks its protocol (Twirp), and asked for real at a LiveKit
//! that has no SIP gateway behind it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use livekit_api::{
    access_token::{Claims, TokenVerifier},
    services::room::{CreateRoomOptions, RoomClient},
};
use livekit_protocol::{
    ListParticipantsRequest, ListParticipantsResponse, ParticipantInfo,
    TransferSipParticipantRequest, participant_info::Kind,
};
use loadtest::stack::shared;
use neurality::{
    config::{LiveKitConfig, Secret},
    dispatch::{Rooms, RoomsError},
    domain::ids::RoomName,
};
use parking_lot::Mutex;
use prost::Message;
use tokio::{net::TcpListener, task::JoinSet, time::Instant};

const KEY: &str = "APIrefer";
const SECRET: &str = "a secret of thirty-two characters";
const RINGS: Duration = Duration::from_secs(2);

/// What the network answers to a REFER.
#[derive(Clone, Copy)]
enum Network {
    Connects,
    Refuses,
    /// With this status of SIP.
    Answers(u16),
    IsSilent,
}

#[derive(Clone)]
struct Responder {
    network: Network,
    callers: bool,
    asked: Arc<Mutex<Vec<TransferSipParticipantRequest>>>,
}

impl Responder {
    /// Serves as long as the tasks live; returns its client.
    async fn serve(self, tasks: &mut JoinSet<std::io::Result<()>>) -> Rooms {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let url = format!("ws://{}", listener.local_addr().expect("address"));
        let router = Router::new()
            .route("/twirp/livekit.RoomService/ListParticipants", post(list))
            .route("/twirp/livekit.SIP/TransferSIPParticipant", post(transfer))
            .with_state(self);
        tasks.spawn(async move { axum::serve(listener, router).await });
        Rooms::new(&LiveKitConfig {
            url: url.parse().expect("url"),
            api_key: KEY.to_owned(),
            api_secret: Secret::new(SECRET),
            ..LiveKitConfig::default()
        })
    }
}

fn claims(headers: &HeaderMap) -> Claims {
    let token = headers["authorization"].to_str().expect("text");
    let token = token.strip_prefix("Bearer ").expect("bearer");
    let verifier = TokenVerifier::with_api_key(KEY, SECRET);
    verifier.verify(token).expect("our own token")
}

async fn list(State(it): State<Responder>, body: Bytes) -> Vec<u8> {
    ListParticipantsRequest::decode(body).expect("a request");
    let someone = |identity: &str, kind: Kind| ParticipantInfo {
        identity: identity.to_owned(),
        kind: kind as i32,
        ..ParticipantInfo::default()
    };
    let mut participants = vec![someone("agent-1", Kind::Agent)];
    if it.callers {
        participants.push(someone("sip_1", Kind::Sip));
    }
    ListParticipantsResponse { participants }.encode_to_vec()
}

async fn transfer(
    State(it): State<Responder>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let request = TransferSipParticipantRequest::decode(body).expect("a request");
    let claims = claims(&headers);
    assert!(claims.sip.call && claims.video.room_admin);
    assert_eq!(claims.video.room, request.room_name);
    it.asked.lock().push(request);
    match it.network {
        Network::Connects => (StatusCode::OK, String::new()),
        Network::Refuses => (
            StatusCode::PRECONDITION_FAILED,
            r#"{"code":"failed_precondition","msg":"REFER is refused: 403"}"#.to_owned(),
        ),
        // As LiveKit passes on what livekit-sip heard.
        Network::Answers(status) => {
            let meta = serde_json::json!({ "sip_status_code": status.to_string(), "sip_status": "Declined" });
            let error =
                serde_json::json!({ "code": "unavailable", "msg": "sip status", "meta": meta });
            (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
        }
        Network::IsSilent => (
            StatusCode::REQUEST_TIMEOUT,
            r#"{"code":"deadline_exceeded","msg":"nobody answered"}"#.to_owned(),
        ),
    }
}

fn responder(network: Network) -> Responder {
    Responder {
        network,
        callers: true,
        asked: Arc::default(),
    }
}

#[tokio::test]
async fn the_caller_alone_is_referred_to_the_number() {
    let it = responder(Network::Connects);
    let mut tasks = JoinSet::new();
    let (asked, rooms) = (Arc::clone(&it.asked), it.serve(&mut tasks).await);
    let room = RoomName::generate();
    let to = "+12125550191".parse().expect("number");
    rooms
        .refer_caller(&room, &to, RINGS)
        .await
        .expect("connected");
    let asked = asked.lock();
    let [request] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(request.participant_identity, "sip_1");
    assert_eq!(request.room_name, room.as_str());
    assert_eq!(request.transfer_to, "tel:+12125550191");
    assert!(request.play_dialtone);
    assert_eq!(request.headers, HashMap::new());
    let rings = request.ringing_timeout.as_ref().map(|rings| rings.seconds);
    assert_eq!(rings, Some(2));
}

#[tokio::test]
async fn a_refusal_silence_and_an_empty_room_are_told_apart() {
    let to = "+12125550191".parse().expect("number");
    let (room, mut tasks) = (RoomName::generate(), JoinSet::new());
    let refused = responder(Network::Refuses).serve(&mut tasks).await;
    let refused = refused.refer_caller(&room, &to, RINGS).await;
    assert!(matches!(refused, Err(RoomsError::Unavailable(_))));
    for status in [403, 486, 603] {
        let declined = responder(Network::Answers(status)).serve(&mut tasks).await;
        let declined = declined.refer_caller(&room, &to, RINGS).await;
        assert!(
            matches!(declined, Err(RoomsError::Sip(answered)) if answered == status),
            "{declined:?}"
        );
        let told = declined.expect_err("declined").to_string();
        assert_eq!(told, format!("the sip network answered {status}"));
    }
    let silent = responder(Network::IsSilent).serve(&mut tasks).await;
    let silent = silent.refer_caller(&room, &to, RINGS).await;
    assert!(matches!(silent, Err(RoomsError::Deadline)));
    let empty = Responder {
        callers: false,
        ..responder(Network::Connects)
    };
    let asked = Arc::clone(&empty.asked);
    let empty = empty
        .serve(&mut tasks)
        .await
        .refer_caller(&room, &to, RINGS)
        .await;
    assert!(matches!(empty, Err(RoomsError::NoCaller)));
    assert!(asked.lock().is_empty());
}

#[tokio::test]
async fn a_livekit_without_a_caller_says_so_at_once() {
    let livekit = shared::livekit();
    let rooms = Rooms::new(&LiveKitConfig {
        url: livekit.ws_url().parse().expect("url"),
        api_key: livekit.api_key().to_owned(),
        api_secret: Secret::new(livekit.api_secret()),
        ..LiveKitConfig::default()
    });
    let room = RoomName::generate();
    let client =
        RoomClient::with_api_key(&livekit.http_url(), livekit.api_key(), livekit.api_secret());
    client
        .create_room(room.as_str(), CreateRoomOptions::default())
        .await
        .expect("create");
    let to = "+12125550191".parse().expect("number");
    let began = Instant::now();
    let referred = rooms.refer_caller(&room, &to, RINGS).await;
    assert!(matches!(referred, Err(RoomsError::NoCaller)));
    assert!(began.elapsed() < RINGS);
}
