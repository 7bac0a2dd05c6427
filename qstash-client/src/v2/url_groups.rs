//! `/v2/topics`: URL groups, each one name for several endpoints. In paths the service calls them "topics".

use http::Method;
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::endpoint::{json, nothing, segment};
use crate::error::Error;
use crate::timing::Timestamp;
use crate::types::ids::UrlGroupName;
use crate::types::other::Other;
use crate::v2::batch::header_map;
use crate::v2::fields::{Fields, Missing, read_by_fields};
use crate::v2::list::{List, Listed};
use crate::v2::operation;
use crate::v2::options::Options;
use crate::v2::setters::delivery_setters;
use crate::v2::url::{check_url, origin};

/// An endpoint of a URL group: a URL and perhaps a name. `Debug` shows only scheme and host of the URL.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Endpoint {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Endpoint {
    /// Makes an endpoint without a name.
    pub fn url(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: None,
        }
    }

    /// Names the endpoint, so that it can be changed and removed by its name. The name may hold blanks.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &origin(&self.url))
            .field("name", &self.name)
            .finish()
    }
}

/// The endpoint to remove. `Debug` shows only scheme and host of the URL.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EndpointRef {
    /// The endpoint with this URL.
    Url(String),
    /// The endpoint with this name.
    Name(String),
}

impl std::fmt::Debug for EndpointRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(url) => f.debug_tuple("Url").field(&origin(url)).finish(),
            Self::Name(name) => f.debug_tuple("Name").field(name).finish(),
        }
    }
}

/// The operations on URL groups.
#[derive(Clone, Copy, Debug)]
pub struct UrlGroups<'a> {
    client: &'a Client,
}

impl<'a> UrlGroups<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Adds at least one endpoint to a group, or updates the endpoints that have the same name or URL. If the group
    /// does not exist, the service creates it.
    pub fn add_endpoints(
        self,
        group: impl AsRef<str>,
        endpoints: impl IntoIterator<Item = Endpoint>,
    ) -> Call<'a, ()> {
        let endpoints: Vec<Endpoint> = endpoints.into_iter().collect();
        let checked = endpoints.iter().try_for_each(|endpoint| {
            check_url("endpoint", &endpoint.url)?;
            let name = endpoint.name.as_deref();
            name.map_or(Ok(()), |name| not_empty("endpoint name", name))
        });
        let verb = "add endpoints to";
        self.endpoints(
            Method::POST,
            verb,
            group.as_ref(),
            checked.map(|()| endpoints),
        )
    }

    /// Removes at least one endpoint from a group. A group without endpoints is deleted.
    pub fn remove_endpoints(
        self,
        group: impl AsRef<str>,
        endpoints: impl IntoIterator<Item = EndpointRef>,
    ) -> Call<'a, ()> {
        let endpoints: Vec<EndpointRef> = endpoints.into_iter().collect();
        let checked = endpoints.iter().try_for_each(|endpoint| match endpoint {
            EndpointRef::Url(text) => not_empty("endpoint URL", text),
            EndpointRef::Name(text) => not_empty("endpoint name", text),
        });
        let verb = "remove endpoints from";
        self.endpoints(
            Method::DELETE,
            verb,
            group.as_ref(),
            checked.map(|()| endpoints),
        )
    }

    fn endpoints<T: Serialize>(
        self,
        method: Method,
        verb: &str,
        group: &str,
        endpoints: Result<Vec<T>, Error>,
    ) -> Call<'a, ()> {
        #[derive(Serialize)]
        struct Body<T> {
            endpoints: Vec<T>,
        }
        let operation = UrlGroupName::parse(group).and_then(|group| {
            let endpoints = endpoints?;
            if endpoints.is_empty() {
                return Err(Error::invalid(
                    "the list of endpoints must hold at least one",
                ));
            }
            let path = format!("/v2/topics/{}/endpoints", segment(&group));
            let attempted = format!("{verb} URL group `{group}`");
            let name = "v2.url_groups.endpoints";
            let operation = operation::new(name, attempted, method, path, nothing).repeatable();
            operation.json(&Body { endpoints })
        });
        Call::new(self.client, operation)
    }

    /// Sets defaults of a group. They hold for each publish to the group that does not say otherwise.
    pub fn set_defaults(self, group: impl AsRef<str>) -> SetDefaults<'a> {
        SetDefaults {
            client: self.client,
            group: UrlGroupName::parse(group.as_ref()),
            options: Options::without_deduplication(),
        }
    }

    /// Reads one group.
    pub fn get(self, group: impl AsRef<str>) -> Call<'a, UrlGroup> {
        let make = |group: UrlGroupName| {
            let attempted = format!("read URL group `{group}`");
            let path = format!("/v2/topics/{}", segment(&group));
            operation::new("v2.url_groups.get", attempted, Method::GET, path, json)
        };
        Call::new(self.client, UrlGroupName::parse(group.as_ref()).map(make))
    }

    /// Lists all groups.
    pub fn list(self) -> List<'a, UrlGroup> {
        List::new(self.client)
    }

    /// Deletes a group. It is no error if the group does not exist. Its messages are still delivered. Delete the
    /// schedules that publish to it first.
    pub fn delete(self, group: impl AsRef<str>) -> Call<'a, ()> {
        let make = |group: UrlGroupName| {
            let attempted = format!("delete URL group `{group}`");
            let path = format!("/v2/topics/{}", segment(&group));
            let name = "v2.url_groups.delete";
            operation::new(name, attempted, Method::DELETE, path, nothing).repeatable()
        };
        Call::new(self.client, UrlGroupName::parse(group.as_ref()).map(make))
    }
}

fn not_empty(noun: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::invalid(format!("{noun} must not be empty")));
    }
    Ok(())
}

/// The defaults to set for a URL group.
#[derive(Debug)]
#[must_use = "nothing is set until you `send` it"]
pub struct SetDefaults<'a> {
    client: &'a Client,
    group: Result<UrlGroupName, Error>,
    options: Options,
}

impl SetDefaults<'_> {
    delivery_setters!(options);

    /// Forwards all headers of a publish to the consumers, also those without a prefix.
    pub fn forward_all_headers(mut self) -> Self {
        self.options.forward_all();
        self
    }

    /// Writes the defaults.
    ///
    /// # Errors
    /// See [`Call::send`].
    pub async fn send(self) -> Result<(), Error> {
        let group = self.group?;
        let path = format!("/v2/topics/{}", segment(&group));
        let attempted = format!("set defaults of URL group `{group}`");
        let headers = self.options.into_headers()?;
        let body = serde_json::json!({ "headers": header_map(&headers) });
        let name = "v2.url_groups.set_defaults";
        let operation = operation::new(name, attempted, Method::PATCH, path, nothing);
        let operation = operation.repeatable().json(&body)?;
        self.client.send(&operation).await
    }
}

/// A URL group and its endpoints.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UrlGroup {
    /// The group's name.
    pub name: UrlGroupName,
    /// The group's endpoints, in order.
    pub endpoints: Vec<EndpointView>,
    /// When the group was created.
    pub created_at: Option<Timestamp>,
    /// When the group was last changed.
    pub updated_at: Option<Timestamp>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

/// An endpoint of a URL group, as the service tells it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EndpointView {
    /// The URL that the endpoint's messages go to.
    pub url: String,
    /// The endpoint's name, if it has one.
    pub name: Option<String>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

impl UrlGroup {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            name: fields.need("name")?,
            endpoints: fields.list("endpoints"),
            created_at: fields.time("createdAt"),
            updated_at: fields.time("updatedAt"),
            other: fields.rest(),
        })
    }
}

impl EndpointView {
    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            url: fields.need("url")?,
            name: fields.text("name").filter(|name| !name.is_empty()),
            other: fields.rest(),
        })
    }
}

read_by_fields!(UrlGroup, EndpointView);

impl Listed for UrlGroup {
    const NAME: &'static str = "v2.url_groups.list";
    const ATTEMPTED: &'static str = "list URL groups";
    const PATH: &'static str = "/v2/topics";
    const ARRAYS: &'static [&'static str] = &["topics"];
}
