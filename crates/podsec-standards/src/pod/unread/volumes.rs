//! What Kubernetes decodes of the sources of volumes, of which the checks only ask whether they are there.

use super::Type::{
    Boolean, Integer32, Integer64, Object, Objects, Quantity, QuantityMap, Text, TextMap, Texts,
};
use super::types::Fields;

use super::containers::{OBJECT_FIELD_SELECTOR, RESOURCE_FIELD_SELECTOR};
use super::metadata::OBJECT_META;
use super::spec::{LABEL_SELECTOR, LOCAL_OBJECT_REFERENCE};

/// The sources of a volume, those that the restricted level forbids first.
pub(crate) const SOURCES: &Fields = &[
    ("hostPath", Object(HOST_PATH_VOLUME)),
    ("gcePersistentDisk", Object(GCE_PERSISTENT_DISK_VOLUME)),
    ("awsElasticBlockStore", Object(AWS_ELASTIC_BLOCK_STORE_VOLUME)),
    ("gitRepo", Object(GIT_REPO_VOLUME)),
    ("nfs", Object(NFS_VOLUME)),
    ("iscsi", Object(ISCSI_VOLUME)),
    ("glusterfs", Object(GLUSTERFS_VOLUME)),
    ("rbd", Object(RBD_VOLUME)),
    ("flexVolume", Object(FLEX_VOLUME)),
    ("cinder", Object(CINDER_VOLUME)),
    ("cephfs", Object(CEPH_FS_VOLUME)),
    ("flocker", Object(FLOCKER_VOLUME)),
    ("fc", Object(FC_VOLUME)),
    ("azureFile", Object(AZURE_FILE_VOLUME)),
    ("vsphereVolume", Object(VSPHERE_VIRTUAL_DISK_VOLUME)),
    ("quobyte", Object(QUOBYTE_VOLUME)),
    ("azureDisk", Object(AZURE_DISK_VOLUME)),
    ("photonPersistentDisk", Object(PHOTON_PERSISTENT_DISK_VOLUME)),
    ("portworxVolume", Object(PORTWORX_VOLUME)),
    ("scaleIO", Object(SCALE_IO_VOLUME)),
    ("storageos", Object(STORAGE_OS_VOLUME)),
    ("configMap", Object(CONFIG_MAP_VOLUME)),
    ("csi", Object(CSI_VOLUME)),
    ("downwardAPI", Object(DOWNWARD_API_VOLUME)),
    ("emptyDir", Object(EMPTY_DIR_VOLUME)),
    ("ephemeral", Object(EPHEMERAL_VOLUME)),
    ("image", Object(IMAGE_VOLUME)),
    ("persistentVolumeClaim", Object(PERSISTENT_VOLUME_CLAIM_VOLUME)),
    ("projected", Object(PROJECTED_VOLUME)),
    ("secret", Object(SECRET_VOLUME)),
];

const AWS_ELASTIC_BLOCK_STORE_VOLUME: &Fields =
    &[("fsType", Text), ("partition", Integer32), ("readOnly", Boolean), ("volumeID", Text)];

const AZURE_DISK_VOLUME: &Fields = &[
    ("cachingMode", Text),
    ("diskName", Text),
    ("diskURI", Text),
    ("fsType", Text),
    ("kind", Text),
    ("readOnly", Boolean),
];

const AZURE_FILE_VOLUME: &Fields = &[("readOnly", Boolean), ("secretName", Text), ("shareName", Text)];

const CEPH_FS_VOLUME: &Fields = &[
    ("monitors", Texts),
    ("path", Text),
    ("readOnly", Boolean),
    ("secretFile", Text),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("user", Text),
];

const CINDER_VOLUME: &Fields = &[
    ("fsType", Text),
    ("readOnly", Boolean),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("volumeID", Text),
];

const KEY_TO_PATH: &Fields = &[("key", Text), ("mode", Integer32), ("path", Text), ("user", Integer64)];

const CONFIG_MAP_VOLUME: &Fields = &[
    ("defaultMode", Integer32),
    ("defaultUser", Integer64),
    ("items", Objects(KEY_TO_PATH)),
    ("name", Text),
    ("optional", Boolean),
];

const CSI_VOLUME: &Fields = &[
    ("driver", Text),
    ("fsType", Text),
    ("nodePublishSecretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("readOnly", Boolean),
    ("volumeAttributes", TextMap),
];

const DOWNWARD_API_VOLUME_FILE: &Fields = &[
    ("fieldRef", Object(OBJECT_FIELD_SELECTOR)),
    ("mode", Integer32),
    ("path", Text),
    ("resourceFieldRef", Object(RESOURCE_FIELD_SELECTOR)),
    ("user", Integer64),
];

const DOWNWARD_API_VOLUME: &Fields =
    &[("defaultMode", Integer32), ("defaultUser", Integer64), ("items", Objects(DOWNWARD_API_VOLUME_FILE))];

const EMPTY_DIR_VOLUME: &Fields = &[("medium", Text), ("mode", Integer32), ("sizeLimit", Quantity)];

const TYPED_LOCAL_OBJECT_REFERENCE: &Fields = &[("apiGroup", Text), ("kind", Text), ("name", Text)];

const TYPED_OBJECT_REFERENCE: &Fields =
    &[("apiGroup", Text), ("kind", Text), ("name", Text), ("namespace", Text)];

const VOLUME_RESOURCE_REQUIREMENTS: &Fields = &[("limits", QuantityMap), ("requests", QuantityMap)];

pub(super) const PERSISTENT_VOLUME_CLAIM_SPEC: &Fields = &[
    ("accessModes", Texts),
    ("dataSource", Object(TYPED_LOCAL_OBJECT_REFERENCE)),
    ("dataSourceRef", Object(TYPED_OBJECT_REFERENCE)),
    ("resources", Object(VOLUME_RESOURCE_REQUIREMENTS)),
    ("selector", Object(LABEL_SELECTOR)),
    ("storageClassName", Text),
    ("volumeAttributesClassName", Text),
    ("volumeMode", Text),
    ("volumeName", Text),
];

const PERSISTENT_VOLUME_CLAIM_TEMPLATE: &Fields =
    &[("metadata", Object(OBJECT_META)), ("spec", Object(PERSISTENT_VOLUME_CLAIM_SPEC))];

const EPHEMERAL_VOLUME: &Fields = &[("volumeClaimTemplate", Object(PERSISTENT_VOLUME_CLAIM_TEMPLATE))];

const FC_VOLUME: &Fields =
    &[("fsType", Text), ("lun", Integer32), ("readOnly", Boolean), ("targetWWNs", Texts), ("wwids", Texts)];

const FLEX_VOLUME: &Fields = &[
    ("driver", Text),
    ("fsType", Text),
    ("options", TextMap),
    ("readOnly", Boolean),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
];

const FLOCKER_VOLUME: &Fields = &[("datasetName", Text), ("datasetUUID", Text)];

const GCE_PERSISTENT_DISK_VOLUME: &Fields =
    &[("fsType", Text), ("partition", Integer32), ("pdName", Text), ("readOnly", Boolean)];

const GIT_REPO_VOLUME: &Fields = &[("directory", Text), ("repository", Text), ("revision", Text)];

const GLUSTERFS_VOLUME: &Fields = &[("endpoints", Text), ("path", Text), ("readOnly", Boolean)];

const HOST_PATH_VOLUME: &Fields = &[("path", Text), ("type", Text)];

const IMAGE_VOLUME: &Fields = &[("pullPolicy", Text), ("reference", Text)];

const ISCSI_VOLUME: &Fields = &[
    ("chapAuthDiscovery", Boolean),
    ("chapAuthSession", Boolean),
    ("fsType", Text),
    ("initiatorName", Text),
    ("iqn", Text),
    ("iscsiInterface", Text),
    ("lun", Integer32),
    ("portals", Texts),
    ("readOnly", Boolean),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("targetPortal", Text),
];

const NFS_VOLUME: &Fields = &[("path", Text), ("readOnly", Boolean), ("server", Text)];

const PERSISTENT_VOLUME_CLAIM_VOLUME: &Fields = &[("claimName", Text), ("readOnly", Boolean)];

const PHOTON_PERSISTENT_DISK_VOLUME: &Fields = &[("fsType", Text), ("pdID", Text)];

const PORTWORX_VOLUME: &Fields = &[("fsType", Text), ("readOnly", Boolean), ("volumeID", Text)];

const CLUSTER_TRUST_BUNDLE_PROJECTION: &Fields = &[
    ("labelSelector", Object(LABEL_SELECTOR)),
    ("name", Text),
    ("optional", Boolean),
    ("path", Text),
    ("signerName", Text),
    ("user", Integer64),
];

const CONFIG_MAP_PROJECTION: &Fields =
    &[("items", Objects(KEY_TO_PATH)), ("name", Text), ("optional", Boolean)];

const DOWNWARD_API_PROJECTION: &Fields = &[("items", Objects(DOWNWARD_API_VOLUME_FILE))];

const POD_CERTIFICATE_PROJECTION: &Fields = &[
    ("certificateChainPath", Text),
    ("credentialBundlePath", Text),
    ("keyPath", Text),
    ("keyType", Text),
    ("maxExpirationSeconds", Integer32),
    ("signerName", Text),
    ("user", Integer64),
    ("userAnnotations", TextMap),
];

const SECRET_PROJECTION: &Fields = &[("items", Objects(KEY_TO_PATH)), ("name", Text), ("optional", Boolean)];

const SERVICE_ACCOUNT_TOKEN_PROJECTION: &Fields =
    &[("audience", Text), ("expirationSeconds", Integer64), ("path", Text), ("user", Integer64)];

const VOLUME_PROJECTION: &Fields = &[
    ("clusterTrustBundle", Object(CLUSTER_TRUST_BUNDLE_PROJECTION)),
    ("configMap", Object(CONFIG_MAP_PROJECTION)),
    ("downwardAPI", Object(DOWNWARD_API_PROJECTION)),
    ("podCertificate", Object(POD_CERTIFICATE_PROJECTION)),
    ("secret", Object(SECRET_PROJECTION)),
    ("serviceAccountToken", Object(SERVICE_ACCOUNT_TOKEN_PROJECTION)),
];

const PROJECTED_VOLUME: &Fields =
    &[("defaultMode", Integer32), ("defaultUser", Integer64), ("sources", Objects(VOLUME_PROJECTION))];

const QUOBYTE_VOLUME: &Fields = &[
    ("group", Text),
    ("readOnly", Boolean),
    ("registry", Text),
    ("tenant", Text),
    ("user", Text),
    ("volume", Text),
];

const RBD_VOLUME: &Fields = &[
    ("fsType", Text),
    ("image", Text),
    ("keyring", Text),
    ("monitors", Texts),
    ("pool", Text),
    ("readOnly", Boolean),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("user", Text),
];

const SCALE_IO_VOLUME: &Fields = &[
    ("fsType", Text),
    ("gateway", Text),
    ("protectionDomain", Text),
    ("readOnly", Boolean),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("sslEnabled", Boolean),
    ("storageMode", Text),
    ("storagePool", Text),
    ("system", Text),
    ("volumeName", Text),
];

const SECRET_VOLUME: &Fields = &[
    ("defaultMode", Integer32),
    ("defaultUser", Integer64),
    ("items", Objects(KEY_TO_PATH)),
    ("optional", Boolean),
    ("secretName", Text),
];

const STORAGE_OS_VOLUME: &Fields = &[
    ("fsType", Text),
    ("readOnly", Boolean),
    ("secretRef", Object(LOCAL_OBJECT_REFERENCE)),
    ("volumeName", Text),
    ("volumeNamespace", Text),
];

const VSPHERE_VIRTUAL_DISK_VOLUME: &Fields =
    &[("fsType", Text), ("storagePolicyID", Text), ("storagePolicyName", Text), ("volumePath", Text)];
